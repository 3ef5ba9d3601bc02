#include "nodes.h"

#include <stdlib.h>

#include "tree.h"

#define SLOTS_FIRST 1024
#define FILE_BIT    (UINT64_C(1) << 62) /* files of drop boxes; the top bit stays free for signed readers */

uint64_t
inode_of_path(struct slice path)
{
	uint64_t h = slice_hash(HASH_FIRST, path);
	if (path.n == 0)
		return NODE_ROOT;
	h ^= h >> 31;
	h &= FILE_BIT - 1;
	return h > NODE_ROOT ? h : h + 2;
}

uint64_t
nodes_new_file_inode(struct nodes *t)
{
	/* Another number for each, and none says how many were before (Steele, Lea, Flood: SplitMix). */
	uint64_t z = ++t->next_file + t->secret;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return FILE_BIT | ((z ^ z >> 31) & (FILE_BIT - 1));
}

static struct node **
slot(struct nodes *t, uint64_t inode)
{
	return &t->slots[(inode * 0x9E3779B97F4A7C15u >> 20) & (t->slot_count - 1)];
}

struct node *
nodes_get(struct nodes *t, uint64_t inode)
{
	for (struct node *n = *slot(t, inode); n; n = n->next)
		if (n->inode == inode)
			return n;
	return NULL;
}

static void
grow(struct nodes *t)
{
	struct nodes larger = {.slot_count = t->slot_count * 2};
	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return; /* slower, not wrong */
	for (size_t i = 0; i < t->slot_count; i++)
		while (t->slots[i]) {
			struct node *n = t->slots[i];
			t->slots[i] = n->next;
			n->next = *slot(&larger, n->inode);
			*slot(&larger, n->inode) = n;
		}
	free(t->slots);
	t->slots = larger.slots;
	t->slot_count = larger.slot_count;
}

static struct node *
add(struct nodes *t, uint64_t inode, struct slice path)
{
	struct node *n = calloc(1, sizeof(*n) + path.n + 1);
	if (!n)
		return NULL;
	if (path.n)
		memcpy(n->path, path.p, path.n);
	n->inode = inode;
	n->refs = 1;
	n->next = *slot(t, inode);
	*slot(t, inode) = n;
	if (++t->count > t->slot_count)
		grow(t);
	return n;
}

/* Two paths of one number: the later one takes the next that is free. */
static struct node *
find(struct nodes *t, struct slice path, uint64_t *ret_inode)
{
	struct node *n;
	*ret_inode = inode_of_path(path);
	while ((n = nodes_get(t, *ret_inode)) && !slice_is(path, n->path))
		*ret_inode = (*ret_inode + 1) & (FILE_BIT - 1);
	return n;
}

struct node *
nodes_find_path(struct nodes *t, struct slice path)
{
	uint64_t inode;
	return find(t, path, &inode);
}

struct node *
nodes_of_path(struct nodes *t, struct slice path)
{
	uint64_t inode;
	struct node *n = find(t, path, &inode);
	if (!n)
		return add(t, inode, path);
	n->refs++;
	return n;
}

struct node *
nodes_of_file(struct nodes *t, struct box_file *f)
{
	struct node *n = nodes_get(t, f->inode);
	if (n) {
		n->refs++;
		return n;
	}
	n = add(t, f->inode, (struct slice){0});
	if (n)
		n->file = box_file_ref(f);
	return n;
}

void
node_keep(struct node *n, struct answer *a, struct content *c, const struct caller *caller)
{
	content_ref(c);
	node_unkeep(n);
	n->content = c;
	n->caller = caller;
	n->made_of = a;
	n->sibling = a->nodes;
	n->made_at = &a->nodes;
	if (n->sibling)
		n->sibling->made_at = &n->sibling;
	a->nodes = n;
}

void
node_unkeep(struct node *n)
{
	if (!n->made_of)
		return;
	*n->made_at = n->sibling;
	if (n->sibling)
		n->sibling->made_at = n->made_at;
	n->made_of = NULL;
	content_unref(n->content);
	n->content = NULL;
}

unsigned
node_traits(struct node *n)
{
	struct place p;
	if (!(n->traits & TRAIT_KNOWN))
		n->traits = TRAIT_KNOWN |
			    (!n->file && tree_resolve(&p, slice_of(n->path)) == 0 ? place_traits(&p) : 0);
	return n->traits;
}

static void
release(struct node *n)
{
	node_unkeep(n);
	box_file_unref(n->file);
	free(n);
}

static void
drop(struct nodes *t, struct node *n)
{
	if (n->refs || n->lookups || n == t->root)
		return;
	for (struct node **p = slot(t, n->inode); *p; p = &(*p)->next)
		if (*p == n) {
			*p = n->next;
			break;
		}
	t->count--;
	release(n);
}

void
node_ref(struct node *n)
{
	n->refs++;
}

void
node_unref(struct nodes *t, struct node *n)
{
	if (!n)
		return;
	n->refs--;
	drop(t, n);
}

void
node_forget(struct nodes *t, struct node *n, uint64_t lookups)
{
	n->lookups -= lookups < n->lookups ? lookups : n->lookups;
	drop(t, n);
}

int
nodes_init(struct nodes *t, uint64_t secret)
{
	*t = (struct nodes){.slot_count = SLOTS_FIRST, .secret = secret};
	t->slots = calloc(t->slot_count, sizeof(*t->slots));
	t->root = t->slots ? add(t, NODE_ROOT, (struct slice){0}) : NULL;
	return t->root ? 0 : -1;
}

void
nodes_release(struct nodes *t)
{
	for (size_t i = 0; t->slots && i < t->slot_count; i++)
		while (t->slots[i]) {
			struct node *n = t->slots[i];
			t->slots[i] = n->next;
			release(n);
		}
	free(t->slots);
	*t = (struct nodes){0};
}
