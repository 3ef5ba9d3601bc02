/* The inodes that the kernel knows of. A path's number is made of its bytes, so it
 * is the same at every mount; a file of a drop box keeps its own number when it is
 * renamed. Counted: the kernel's lookups, and references of operations under way.
 * One thread. */
#ifndef FUSEFS_NODES_H
#define FUSEFS_NODES_H

#include "base/buf.h"
#include "box.h"
#include "cache.h"

struct caller;
struct handle;

struct node {
	struct node *next; /* in its slot */
	uint64_t inode;
	uint64_t lookups;
	unsigned refs;
	struct box_file *file;  /* of a drop box; NULL: a place of the tree */
	struct handle *handles; /* open on it */
	/* What it showed last, to whom, and the answer that it was made of; NULL: nothing is kept. */
	struct content *content;
	const struct caller *caller;
	struct answer *made_of;
	struct node *sibling, **made_at; /* of the answer's nodes */
	int64_t told_until;              /* until then the kernel may keep its attributes */
	uint64_t told_size;              /* what the kernel takes for its size */
	unsigned traits;                 /* TRAIT_* */
	char path[]; /* where it was found; of a file: its directory's word is the file itself */
};

struct nodes {
	struct node **slots;
	size_t slot_count; /* a power of two */
	size_t count;
	uint64_t next_file; /* of drop box files */
	uint64_t secret;    /* hides how many there are */
	struct node *root;
};

#define NODE_ROOT 1

/* secret: any number that nobody can guess. */
int nodes_init(struct nodes *t, uint64_t secret);
void nodes_release(struct nodes *t);
/* NULL: the kernel asks for something it never was told of. */
struct node *nodes_get(struct nodes *t, uint64_t inode);
/* Whatever is known of that path; NULL: nothing. */
struct node *nodes_find_path(struct nodes *t, struct slice path);
/* Found or made, with a reference for the caller. NULL: out of memory. */
struct node *nodes_of_path(struct nodes *t, struct slice path);
struct node *nodes_of_file(struct nodes *t, struct box_file *f);
void node_ref(struct node *n);
void node_unref(struct nodes *t, struct node *n);
/* Keeps the content as long as the answer; takes a reference of its own. */
void node_keep(struct node *n, struct answer *a, struct content *c, const struct caller *caller);
void node_unkeep(struct node *n);
unsigned node_traits(struct node *n);
void node_forget(struct nodes *t, struct node *n, uint64_t lookups);
/* The number a path would get, for listings. */
uint64_t inode_of_path(struct slice path);
uint64_t nodes_new_file_inode(struct nodes *t);

#endif
