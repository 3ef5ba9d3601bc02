/* Loaded into stress-ng, which begins each class by making a directory and ends by removing it: drafts/
 * allows neither. Here the directory becomes a link to $STRESS_HOME, so that what the class does happens in
 * drafts/. Every other directory is asked of the filesystem, and refused. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
is_home(const char *path)
{
	const char *name = strrchr(path, '/');
	return name && strncmp(name, "/tmp-stress-ng-", 15) == 0;
}

int
mkdir(const char *path, mode_t mode)
{
	return is_home(path) ? symlink(getenv("STRESS_HOME"), path) : (int)syscall(SYS_mkdir, path, mode);
}

int
rmdir(const char *path)
{
	return is_home(path) ? unlink(path) : (int)syscall(SYS_rmdir, path);
}
