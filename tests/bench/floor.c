/* zwy-floor: what LMDB itself does with the puts and gets that the server makes,
 * so that the bench can say how far from it the server is. See usage.
 *
 * The puts of one command are not guessed: `diff` reads them off a real store,
 * from a copy made before one command and the store after it. `commit` repeats
 * them on a copy with keys that go on growing as the server's do. */
#include <errno.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "latency.h"
#include "process.h"

#define TABLES_MAX  32
#define PUTS_MAX    256
#define KEYS_MAX    1000000
#define MAP_SIZE    ((size_t)1 << 36)
#define SAMPLES_MAX 1000000

static const char usage[] =
	"usage: zwy-floor copy STORE DIR             copy a store, also while a server has it open\n"
	"       zwy-floor diff BEFORE AFTER          print the puts between two states of a store\n"
	"       zwy-floor commit DIR PUTS GROUP S    repeat the puts for S seconds, GROUP commands a commit\n"
	"       zwy-floor get DIR TABLE S            read random rows of a table for S seconds\n";

struct store {
	MDB_env *env;
	MDB_dbi tables[TABLES_MAX];
	char names[TABLES_MAX][32];
	size_t count;
};

struct put {
	MDB_dbi table;
	bool fresh; /* a new key each time */
	bool last;  /* beyond all others of its table */
	unsigned char key[512];
	size_t key_size, value_size;
	unsigned step; /* keys of one command in that table: the next command's lie that much further */
};

static void
must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "zwy-floor: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

/* The directory that holds data.mdb: the one given or one below it. */
static const char *
find_data(const char *dir, char *buffer, size_t size)
{
	static const char *const below[] = {"", "/store", "/lmdb", "/db"};

	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(buffer, size, "%s%s/data.mdb", dir, below[i]);
		if (!access(buffer, R_OK)) {
			snprintf(buffer, size, "%s%s", dir, below[i]);
			return buffer;
		}
	}
	fprintf(stderr, "zwy-floor: %s holds no data.mdb\n", dir);
	exit(1);
}

static void
open_tables(struct store *s, MDB_txn *txn)
{
	MDB_dbi main_table;
	MDB_cursor *cursor;
	MDB_val key, value;

	must(mdb_dbi_open(txn, NULL, 0, &main_table), "main table");
	must(mdb_cursor_open(txn, main_table, &cursor), "cursor");
	while (s->count < TABLES_MAX && !mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		snprintf(s->names[s->count], sizeof(s->names[0]), "%.*s", (int)key.mv_size,
			 (char *)key.mv_data);
		if (!mdb_dbi_open(txn, s->names[s->count], 0, &s->tables[s->count]))
			s->count++;
	}
	mdb_cursor_close(cursor);
}

static void
store_open(struct store *ret, const char *dir, bool writing)
{
	char path[4096];
	MDB_txn *txn;

	*ret = (struct store){0};
	must(mdb_env_create(&ret->env), "environment");
	must(mdb_env_set_maxdbs(ret->env, TABLES_MAX), "tables");
	must(mdb_env_set_mapsize(ret->env, MAP_SIZE), "map");
	must(mdb_env_open(ret->env, find_data(dir, path, sizeof(path)), writing ? 0 : MDB_RDONLY, 0600), dir);
	must(mdb_txn_begin(ret->env, NULL, writing ? 0 : MDB_RDONLY, &txn), "transaction");
	open_tables(ret, txn);
	must(mdb_txn_commit(txn), "transaction");
}

static MDB_dbi
find_table(const struct store *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (!strcmp(s->names[i], name))
			return s->tables[i];
	}
	fprintf(stderr, "zwy-floor: no table %s\n", name);
	exit(1);
}

/* ---- diff -------------------------------------------------------------------- */

static bool
is_last(MDB_txn *before, MDB_dbi table, MDB_val *key)
{
	MDB_cursor *cursor;
	MDB_val last, value;
	bool result;

	must(mdb_cursor_open(before, table, &cursor), "cursor");
	result = mdb_cursor_get(cursor, &last, &value, MDB_LAST) || mdb_cmp(before, table, key, &last) > 0;
	mdb_cursor_close(cursor);
	return result;
}

static void
diff_row(const char *table, MDB_txn *before, MDB_dbi old_table, MDB_val *key, const MDB_val *value)
{
	MDB_val old;
	int rc = mdb_get(before, old_table, key, &old);

	if (!rc && old.mv_size == value->mv_size && !memcmp(old.mv_data, value->mv_data, old.mv_size))
		return;
	printf("%s %s ", table, !rc ? "same" : is_last(before, old_table, key) ? "last" : "fresh");
	for (size_t i = 0; i < key->mv_size; i++)
		printf("%02x", ((unsigned char *)key->mv_data)[i]);
	printf(" %zu\n", value->mv_size);
}

static int
diff(const char *before_dir, const char *after_dir)
{
	struct store before, after;
	MDB_txn *old, *new;
	MDB_cursor *cursor;
	MDB_val key, value;

	store_open(&before, before_dir, false);
	store_open(&after, after_dir, false);
	must(mdb_txn_begin(before.env, NULL, MDB_RDONLY, &old), before_dir);
	must(mdb_txn_begin(after.env, NULL, MDB_RDONLY, &new), after_dir);
	for (size_t i = 0; i < after.count; i++) {
		MDB_dbi table = find_table(&before, after.names[i]);
		must(mdb_cursor_open(new, after.tables[i], &cursor), "cursor");
		while (!mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
			diff_row(after.names[i], old, table, &key, &value);
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(old);
	mdb_txn_abort(new);
	mdb_env_close(before.env);
	mdb_env_close(after.env);
	return 0;
}

/* ---- commit -------------------------------------------------------------------- */

static size_t
read_puts(const struct store *s, const char *path, struct put *puts)
{
	char table[32], how[8], hex[1100];
	size_t count = 0, size;
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(1);
	}
	while (count < PUTS_MAX && fscanf(file, "%31s %7s %1099s %zu", table, how, hex, &size) == 4) {
		struct put *p = &puts[count++];
		*p = (struct put){.table = find_table(s, table),
				  .fresh = strcmp(how, "same") != 0,
				  .last = !strcmp(how, "last"),
				  .value_size = size};
		for (const char *at = hex; at[0] && at[1] && p->key_size < sizeof(p->key); at += 2) {
			char digits[3] = {at[0], at[1], 0};
			p->key[p->key_size++] = (unsigned char)strtoul(digits, NULL, 16);
		}
	}
	fclose(file);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++)
			puts[i].step += puts[j].fresh && puts[j].table == puts[i].table;
	}
	return count;
}

/* A key like the original, greater than it and all those before: its last bytes count on. */
static void
advance(struct put *p)
{
	unsigned carry = p->step;

	for (size_t i = p->key_size; i-- > 0 && carry;) {
		carry += p->key[i];
		p->key[i] = (unsigned char)carry;
		carry >>= 8;
	}
}

static void
put_command(MDB_txn *txn, struct put *puts, size_t count, unsigned char *bytes)
{
	for (size_t i = 0; i < count; i++) {
		struct put *p = &puts[i];
		if (p->fresh)
			advance(p);
		MDB_val key = {p->key_size, p->key}, value = {p->value_size, bytes};
		int rc = mdb_put(txn, p->table, &key, &value, p->last ? MDB_APPEND : 0);
		if (rc == MDB_KEYEXIST)
			rc = mdb_put(txn, p->table, &key, &value, 0);
		must(rc, "put");
	}
}

static int
commit(const char *dir, const char *path, unsigned long group, double seconds)
{
	struct store s;
	struct put puts[PUTS_MAX];
	unsigned char *bytes = calloc(1, 1 << 20);
	struct latency took;
	size_t commits = 0;

	store_open(&s, dir, true);
	size_t count = read_puts(&s, path, puts);
	if (!bytes || latency_init(&took, SAMPLES_MAX) < 0 || !count)
		must(ENOMEM, "puts");
	uint64_t start = clock_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
	for (; now < end; commits++) {
		MDB_txn *txn;
		uint64_t begun = now;
		must(mdb_txn_begin(s.env, NULL, 0, &txn), "transaction");
		for (unsigned long i = 0; i < group; i++) {
			memcpy(bytes, &i, sizeof(i));
			put_command(txn, puts, count, bytes);
		}
		must(mdb_txn_commit(txn), "commit");
		now = clock_ns();
		latency_add(&took, now - begun);
	}
	printf("puts=%zu commits=%zu rate=%.1f", count, commits,
	       (double)(commits * group) / ((double)(now - start) / 1e9));
	latency_print(&took);
	putchar('\n');
	mdb_env_close(s.env);
	latency_release(&took);
	free(bytes);
	return 0;
}

/* ---- get ------------------------------------------------------------------------ */

static size_t
collect_keys(MDB_txn *txn, MDB_dbi table, MDB_val *keys)
{
	MDB_cursor *cursor;
	MDB_val value;
	size_t count = 0;

	must(mdb_cursor_open(txn, table, &cursor), "cursor");
	while (count < KEYS_MAX && !mdb_cursor_get(cursor, &keys[count], &value, MDB_NEXT))
		count++;
	mdb_cursor_close(cursor);
	return count;
}

/* One snapshot for all: renewing it per get costs little beside the call around it. */
static int
get(const char *dir, const char *name, double seconds)
{
	struct store s;
	MDB_txn *txn;
	MDB_val value, *keys = malloc(KEYS_MAX * sizeof(*keys));
	uint64_t random = 88172645463325252u, gets = 0, sum = 0;

	if (!keys)
		must(ENOMEM, "keys");
	store_open(&s, dir, false);
	MDB_dbi table = find_table(&s, name);
	must(mdb_txn_begin(s.env, NULL, MDB_RDONLY, &txn), "transaction");
	size_t count = collect_keys(txn, table, keys);
	if (!count)
		must(MDB_NOTFOUND, name);
	uint64_t start = clock_ns(), end = start + (uint64_t)(seconds * 1e9), now = start;
	for (; now < end; now = clock_ns()) {
		for (int i = 0; i < 1000; i++, gets++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			must(mdb_get(txn, table, &keys[random % count], &value), "get");
			sum += *(unsigned char *)value.mv_data + value.mv_size;
		}
	}
	printf("rows=%zu gets=%llu rate=%.1f cpu_us=%.4f sum=%llu\n", count, (unsigned long long)gets,
	       (double)gets / ((double)(now - start) / 1e9), (double)(now - start) / 1e3 / (double)gets,
	       (unsigned long long)sum);
	mdb_txn_abort(txn);
	mdb_env_close(s.env);
	free(keys);
	return 0;
}

static int
copy(const char *from, const char *to)
{
	struct store s;

	store_open(&s, from, false);
	must(mdb_env_copy(s.env, to), to);
	mdb_env_close(s.env);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "copy"))
		return copy(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "diff"))
		return diff(argv[2], argv[3]);
	if (argc == 6 && !strcmp(argv[1], "commit"))
		return commit(argv[2], argv[3], strtoul(argv[4], NULL, 10), strtod(argv[5], NULL));
	if (argc == 5 && !strcmp(argv[1], "get"))
		return get(argv[2], argv[3], strtod(argv[4], NULL));
	fputs(usage, argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
	return argc == 2 && !strcmp(argv[1], "--help") ? 0 : 2;
}
