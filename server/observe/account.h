/* Who has calls open: one account for each principal that has been heard of, or for each place
 * that calls come from, found by its name and held by whoever keeps a pointer to it. Loop
 * thread. */
#ifndef ZWY_OBSERVE_ACCOUNT_H
#define ZWY_OBSERVE_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_SLOTS 256

struct account {
	struct account *next;
	struct accounts *owner;
	size_t holders;
	size_t open; /* calls */
	char name[]; /* principals/x, or 10.0.0.7 */
};

struct accounts {
	struct account *slots[ACCOUNT_SLOTS];
	size_t count;
};

/* The account of that name, held once more; NULL when memory is out. */
struct account *account_hold(struct accounts *all, const char *name);
/* The same account, held once more; NULL is passed through. */
struct account *account_again(struct account *a);
/* Gone when nobody holds it. NULL is allowed. */
void account_drop(struct account *a);

#endif
