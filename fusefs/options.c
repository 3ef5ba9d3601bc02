#include "options.h"

#include <fuse_opt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "name.h"
#include "zwy.h"

enum {
	KEY_DROP,
	KEY_HELP,
	KEY_VERSION,
	KEY_FOREGROUND,
	KEY_ALLOW_OTHER,
};

static const struct fuse_opt table[] = {
#define OPTION(name, field, initial, help)       {name "=%u", offsetof(struct options, field), 0},
#define TEXT_OPTION(name, field, argument, help) {name "=%s", offsetof(struct options, field), 0},
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_KEY("-f", KEY_FOREGROUND),
	FUSE_OPT_KEY("allow_other", KEY_ALLOW_OTHER),
	/* words of fstab that are mount(8)'s business */
	FUSE_OPT_KEY("auto", KEY_DROP),
	FUSE_OPT_KEY("noauto", KEY_DROP),
	FUSE_OPT_KEY("user", KEY_DROP),
	FUSE_OPT_KEY("users", KEY_DROP),
	FUSE_OPT_KEY("nouser", KEY_DROP),
	FUSE_OPT_KEY("defaults", KEY_DROP),
	FUSE_OPT_KEY("nofail", KEY_DROP),
	FUSE_OPT_KEY("_netdev", KEY_DROP),
	FUSE_OPT_KEY("x-", KEY_DROP),
	/* never: the daemon says so itself */
	FUSE_OPT_KEY("suid", KEY_DROP),
	FUSE_OPT_KEY("dev", KEY_DROP),
	FUSE_OPT_KEY("exec", KEY_DROP),
	FUSE_OPT_KEY("auto_unmount", KEY_DROP),
	FUSE_OPT_END,
};

static char **
next_argument(struct options *o)
{
	return !o->target ? &o->target : !o->mountpoint ? &o->mountpoint : NULL;
}

static int
take(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct options *o = data;
	char **argument;
	(void)out;
	switch (key) {
	case KEY_DROP:
		return 0;
	case KEY_HELP:
		o->help = true;
		return 0;
	case KEY_VERSION:
		o->version = true;
		return 0;
	case KEY_FOREGROUND:
		o->foreground = true;
		return 0;
	case KEY_ALLOW_OTHER:
		o->allow_other = true;
		return 1;
	case FUSE_OPT_KEY_NONOPT:
		argument = next_argument(o);
		if (!argument) {
			fprintf(stderr, "zwyfs: one argument too many: %s\n", arg);
			return -1;
		}
		*argument = strdup(arg);
		return *argument ? 0 : -1;
	default:
		if (strncmp(arg, "x-", 2) == 0 || strncmp(arg, "comment=", 8) == 0)
			return 0;
		return 1;
	}
}

/* principals/x, or x. */
static int
complete_principal(struct options *o)
{
	char *full;
	if (!o->as || strncmp(o->as, "principals/", 11) == 0)
		return 0;
	if (asprintf(&full, "principals/%s", o->as) < 0)
		return -1;
	free(o->as);
	o->as = full;
	return 0;
}

/* The daemon works in the root directory, and reads its files again. */
static int
complete_path(char **path)
{
	char *full, *directory = *path && (*path)[0] != '/' ? getcwd(NULL, 0) : NULL;
	if (!directory)
		return 0;
	int n = asprintf(&full, "%s/%s", directory, *path);
	free(directory);
	if (n < 0)
		return -1;
	free(*path);
	*path = full;
	return 0;
}

/* Certificates for a server that is shown none would be believed to protect something. */
static bool
files_fit_target(const struct options *o)
{
	if (strncmp(o->target, "tls:", 4) == 0 || (!o->ca_file && !o->cert_file && !o->key_file))
		return true;
	fprintf(stderr, "zwyfs: ca, cert and key belong to a target tls:HOST:PORT, not to %s\n", o->target);
	return false;
}

/* What the command line leaves open, the environment may say. */
static int
complete_files(struct options *o)
{
	struct zwy_options of_environment = ZWY_OPTIONS_INIT;
	char **own[] = {&o->ca_file, &o->cert_file, &o->key_file};
	zwy_default_files(&of_environment);
	const char *other[] = {of_environment.ca_file, of_environment.cert_file, of_environment.key_file};
	for (size_t i = 0; i < 3; i++) {
		if (!*own[i] && other[i] && !(*own[i] = strdup(other[i])))
			return -1;
		if (complete_path(own[i]))
			return -1;
	}
	return 0;
}

int
options_parse(struct options *ret, struct fuse_args *args)
{
	*ret = (struct options){
#define OPTION(name, field, initial, help) .field = (initial),
#define TEXT_OPTION(name, field, argument, help)
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
	};
	if (fuse_opt_parse(args, ret, table, take) != 0)
		return 2;
	if (ret->help || ret->version)
		return 0;
	if (!ret->target || !ret->mountpoint) {
		fprintf(stderr, "usage: zwyfs [-o OPTIONS] TARGET MOUNTPOINT (see zwyfs --help)\n");
		return 2;
	}
	if (!files_fit_target(ret))
		return 2;
	return complete_principal(ret) || complete_files(ret) ? 1 : 0;
}

void
options_help(const char *program)
{
	printf("usage: %s [-f] [-o OPTIONS] TARGET MOUNTPOINT\n"
	       "       mount -t fuse.zwyfs TARGET MOUNTPOINT -o OPTIONS\n\n"
	       "Shows the records of a zwyd at TARGET (unix:PATH, HOST:PORT or tls:HOST:PORT) as files.\n"
	       "Unmount with fusermount3 -u MOUNTPOINT, or umount.\n\n"
	       "  -f, --help, --version\n"
	       "  -o allow_other           for every user of this host: the server is told the user id of\n"
	       "                           each caller and decides what that user may (needs a delegation\n"
	       "                           for mounts); without it, only for the user that mounts\n"
	       "  -o default_permissions   the kernel checks modes too\n",
	       program);
#define OPTION(name, field, initial, help)
#define TEXT_OPTION(name, field, argument, help) printf("  -o %-21s %s\n", name "=" argument, help);
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
	printf("\nNumbers, with their defaults:\n");
#define OPTION(name, field, initial, help) \
	printf("  -o %-22s %s (%u)\n", name "=N", help, (unsigned)(initial));
#define TEXT_OPTION(name, field, argument, help)
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
	printf("\nFurther options go to the kernel (ro, noatime, ...). nosuid, nodev and noexec are always "
	       "set.\n");
}

void
options_release(struct options *o)
{
	free(o->target);
	free(o->mountpoint);
#define OPTION(name, field, initial, help)
#define TEXT_OPTION(name, field, argument, help) free(o->field);
#include "options.def"
#undef OPTION
#undef TEXT_OPTION
}
