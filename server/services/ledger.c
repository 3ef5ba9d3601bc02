#include "services/ledger.h"

int
ledger_put(struct job *j, struct txn *t, const char *quota, const zwy_v1_LedgerEntry *entry)
{
	struct name collection;
	uint64_t number;
	struct arena *arena = &j->messages.arena;
	char *entries = arena_printf(arena, "%s/entries", quota);
	int rc = name_parse_collection(&collection, slice_of(entries), &j->command.fault);
	if (rc != 0 || (rc = txn_next_number(t, &collection, 0, &number)) != 0)
		return rc;
	char *name = arena_printf(arena, "%s/%llu", entries, (unsigned long long)number);
	if (!name)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	return JOB_PUT(j, name, zwy_v1_LedgerEntry, entry) ? 0 : j->command.fault.code;
}
