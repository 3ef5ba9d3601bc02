/* Rows of the table `meta`: what the store is, where its logs end, and the last
 * number given out in each numbered collection. */
#include "store/inside.h"

#include "store/index.h"

#define KEY_FORMAT SLICE("format")
#define KEY_SCHEMA SLICE("schema")
#define KEY_DIGEST SLICE("digest")
#define KEY_LAYOUT SLICE("layout")

#define HEAD_BYTES (8 + DIGEST_BYTES)

static struct slice
head_key(enum log log)
{
	return log == LOG_EVENTS ? SLICE("head") : SLICE("access");
}

static int
put_version(struct view *v, struct slice key, uint32_t version)
{
	unsigned char bytes[4];
	put_u32be(bytes, version);
	return view_put(v, TABLE_META, key, slice_make(bytes, sizeof(bytes)), false);
}

int
meta_create(struct view *v)
{
	struct head empty = {0};
	int rc = put_version(v, KEY_SCHEMA, STORE_SCHEMA);
	if (rc == 0)
		rc = view_put(v, TABLE_META, KEY_DIGEST, SLICE(META_DIGEST_NAME), false);
	if (rc == 0)
		rc = meta_put_layout(v);
	if (rc == 0)
		rc = meta_put_head(v, LOG_EVENTS, &empty);
	if (rc == 0)
		rc = meta_put_head(v, LOG_ACCESSES, &empty);
	return rc;
}

static int
check_version(struct view *v, struct slice key, uint32_t known, const char *dir, struct fault *f)
{
	struct slice value;
	int rc = view_get(v, TABLE_META, key, &value);
	if (rc == ERR_NOT_FOUND)
		return fault_set(f, ERR_NO_STORE, "%s holds no store", dir);
	if (rc != 0 || value.n != 4)
		return fault_set(f, rc ? rc : ERR_STORE_CORRUPT, "%s: the store's %s version cannot be read",
				 dir, key.p);
	uint32_t found = get_u32be(value.p);
	if (found > known)
		return fault_set(f, ERR_STORE_VERSION,
				 "%s: the store has %s version %u, this program knows versions up to %u: "
				 "use the newer program that wrote it",
				 dir, key.p, found, known);
	return 0;
}

int
meta_check(struct view *v, const char *dir, struct fault *f)
{
	struct slice digest;
	int rc = check_version(v, KEY_FORMAT, STORE_FORMAT, dir, f);
	if (rc == 0)
		rc = check_version(v, KEY_SCHEMA, STORE_SCHEMA, dir, f);
	if (rc != 0)
		return rc;
	rc = view_get(v, TABLE_META, KEY_DIGEST, &digest);
	if (rc != 0 || !slice_is(digest, META_DIGEST_NAME))
		return fault_set(f, ERR_STORE_CORRUPT, "%s: the log's digest is not %s", dir,
				 META_DIGEST_NAME);
	return 0;
}

/* A program of format 1 does not keep it true. */
int
meta_has_layout(struct view *v)
{
	struct buf layout = {0};
	struct slice value;
	index_layout(&layout);
	int rc = layout.error ? layout.error : view_get(v, TABLE_META, KEY_LAYOUT, &value);
	bool same = rc == 0 && slice_equal(value, buf_slice(&layout));
	buf_release(&layout);
	return rc == 0 || rc == ERR_NOT_FOUND ? same : rc;
}

int
meta_put_layout(struct view *v)
{
	struct buf layout = {0};
	index_layout(&layout);
	int rc = layout.error ? layout.error : view_put(v, TABLE_META, KEY_LAYOUT, buf_slice(&layout), false);
	buf_release(&layout);
	return rc ? rc : put_version(v, KEY_FORMAT, STORE_FORMAT);
}

int
meta_get_head(struct view *v, enum log log, struct head *ret)
{
	struct slice value;
	int rc = view_get(v, TABLE_META, head_key(log), &value);
	if (rc == ERR_NOT_FOUND || (rc == 0 && value.n != HEAD_BYTES))
		return ERR_STORE_CORRUPT;
	if (rc != 0)
		return rc;
	ret->number = get_u64be(value.p);
	memcpy(ret->digest, value.p + 8, DIGEST_BYTES);
	return 0;
}

int
meta_put_head(struct view *v, enum log log, const struct head *head)
{
	unsigned char bytes[HEAD_BYTES];
	put_u64be(bytes, head->number);
	memcpy(bytes + 8, head->digest, DIGEST_BYTES);
	return view_put(v, TABLE_META, head_key(log), slice_make(bytes, sizeof(bytes)), false);
}

static struct slice
counter_key(char buf[ENGINE_KEY_MAX], struct slice collection)
{
	size_t prefix = sizeof(META_COUNTER_PREFIX) - 1;
	if (collection.n > ENGINE_KEY_MAX - prefix)
		return (struct slice){0};
	memcpy(buf, META_COUNTER_PREFIX, prefix);
	memcpy(buf + prefix, collection.p, collection.n);
	return slice_make(buf, prefix + collection.n);
}

int
meta_get_counter(struct view *v, struct slice collection, uint64_t *ret)
{
	char buf[ENGINE_KEY_MAX];
	struct slice value;
	int rc = view_get(v, TABLE_META, counter_key(buf, collection), &value);
	if (rc == ERR_NOT_FOUND) {
		*ret = 0;
		return 0;
	}
	if (rc != 0 || value.n != 8)
		return rc ? rc : ERR_STORE_CORRUPT;
	*ret = get_u64be(value.p);
	return 0;
}

int
meta_put_counter(struct view *v, struct slice collection, uint64_t value)
{
	char buf[ENGINE_KEY_MAX];
	unsigned char number[8];
	return view_put(v, TABLE_META, counter_key(buf, collection), number_key(number, value), false);
}
