/* The tree of zwy-bare: names that are counted, not stored, and files written by others, in memory.
 *
 *	records/R-0000000001/status     so many records
 *	flat/F-0000000001               so many files
 *	written/                        what is created there
 *
 * An inode's number says what it is: no table of those that are only counted. One thread. */
#ifndef BENCH_BARE_TREE_H
#define BENCH_BARE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define NAME_SIZE     256
#define WRITTEN_SLOTS 1024
#define INODE_ROOT    1

/* A file of written/; freed when it has no name and the kernel knows it no more. */
struct written {
	struct written *next;
	char name[NAME_SIZE];
	bool unlinked;
	uint64_t lookups;
	char *bytes;
	size_t size;
};

struct tree {
	size_t records, flat;
	struct written *written[WRITTEN_SLOTS];
	uid_t uid;
	gid_t gid;
	time_t time;
};

struct bytes {
	const char *p;
	size_t n;
};

/* The entry number i of a directory, "." and ".." not counted; false: there is none. */
bool tree_entry(const struct tree *t, uint64_t directory, size_t i, char ret[NAME_SIZE], uint64_t *ret_inode);
/* 0: no such name. */
uint64_t tree_find(const struct tree *t, uint64_t directory, const char *name);
void tree_attributes(const struct tree *t, uint64_t inode, struct stat *ret);
/* A file's content. */
struct bytes tree_read(uint64_t inode);

/* NULL where nothing may be written. */
struct written *tree_written(uint64_t inode);
/* A new empty file; 0: not there, or out of memory. */
uint64_t tree_create(struct tree *t, uint64_t directory, const char *name);
/* 0 or an errno. */
int tree_write(struct written *w, size_t offset, const char *p, size_t n);
int tree_resize(struct written *w, size_t size);
int tree_unlink(struct tree *t, uint64_t directory, const char *name);
/* The kernel learnt of the inode, or forgot it so often. */
void tree_looked_up(uint64_t inode);
void tree_forget(struct tree *t, uint64_t inode, uint64_t times);
void tree_release(struct tree *t);

#endif
