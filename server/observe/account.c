#include "observe/account.h"

#include <stdlib.h>

#include "base/buf.h"

static struct account **
slot_of(struct accounts *all, const char *name)
{
	return &all->slots[slice_hash(HASH_FIRST, slice_of(name)) % ACCOUNT_SLOTS];
}

struct account *
account_hold(struct accounts *all, const char *name)
{
	struct account **slot = slot_of(all, name);
	for (struct account *a = *slot; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return account_again(a);
	size_t n = strlen(name) + 1;
	struct account *a = calloc(1, sizeof(*a) + n);
	if (!a)
		return NULL;
	memcpy(a->name, name, n);
	a->owner = all;
	a->holders = 1;
	a->next = *slot;
	*slot = a;
	all->count++;
	return a;
}

struct account *
account_again(struct account *a)
{
	if (a)
		a->holders++;
	return a;
}

void
account_drop(struct account *a)
{
	if (!a || --a->holders > 0)
		return;
	struct account **at = slot_of(a->owner, a->name);
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	a->owner->count--;
	free(a);
}
