#include "peer_store.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace
{
constexpr size_t MAP_SIZE = size_t(1) << 36;
constexpr unsigned READERS = 512;
constexpr unsigned char APPLICATION = 11; // the kind byte of its keys
constexpr size_t ENVELOPE = 17, ENVELOPE_BODY_SIZE = 11, ENVELOPE_SLUGS = 15;
constexpr size_t DIGEST = 32;
constexpr std::string_view COLLECTION = "applications/A-";

void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "zwy-peer: %s: %s\n", what, mdb_strerror(rc));
	exit(1);
}

MDB_val
val(std::string_view s)
{
	return {s.size(), const_cast<char *>(s.data())};
}

std::string_view
view(const MDB_val &v)
{
	return {static_cast<const char *>(v.mv_data), v.mv_size};
}

void
put_big_endian(std::string &to, uint64_t value, int bytes)
{
	for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
		to.push_back(char(value >> shift));
}

uint64_t
big_endian(std::string_view bytes)
{
	uint64_t value = 0;
	for (unsigned char c : bytes)
		value = value << 8 | c;
	return value;
}

std::string
key_of(unsigned year, uint64_t number)
{
	std::string key(1, char(APPLICATION));
	put_big_endian(key, year, 2);
	put_big_endian(key, number, 6);
	return key;
}

// applications/A-YEAR-NUMBER
std::optional<std::string>
parse_name(std::string_view name)
{
	unsigned year = 0;
	uint64_t number = 0;
	if (name.substr(0, COLLECTION.size()) != COLLECTION)
		return {};
	const char *end = name.data() + name.size();
	auto [dash, bad] = std::from_chars(name.data() + COLLECTION.size(), end, year);
	if (bad != std::errc() || dash == end || std::from_chars(dash + 1, end, number).ptr != end)
		return {};
	return key_of(year, number);
}

std::string_view
body_of(std::string_view row)
{
	size_t slugs = size_t((unsigned char)row[ENVELOPE_SLUGS]) + (unsigned char)row[ENVELOPE_SLUGS + 1];
	return row.substr(ENVELOPE + slugs, big_endian(row.substr(ENVELOPE_BODY_SIZE, 4)));
}

void
put_field(std::string &to, unsigned field, std::string_view bytes)
{
	to.push_back(char(field << 3 | 2));
	for (size_t n = bytes.size();; n >>= 7) {
		to.push_back(char((n & 0x7f) | (n > 0x7f ? 0x80 : 0)));
		if (n <= 0x7f)
			break;
	}
	to.append(bytes);
}

std::string
row_of(std::string_view body)
{
	std::string row("\x01\x0b\x00", 3);
	put_big_endian(row, 0, 8);
	put_big_endian(row, body.size(), 4);
	row.append(2, '\0');
	return row.append(body);
}

// A thread's snapshot, kept between calls but holding nothing.
class Snapshot
{
      public:
	explicit Snapshot(MDB_env *env)
	{
		thread_local Kept kept;
		txn = kept.txn;
		must(txn ? mdb_txn_renew(txn) : mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn), "snapshot");
		kept.txn = txn;
	}
	~Snapshot()
	{
		mdb_txn_reset(txn);
	}
	MDB_txn *txn;

      private:
	struct Kept {
		MDB_txn *txn = nullptr;
		~Kept()
		{
			mdb_txn_abort(txn);
		}
	};
};
} // namespace

PeerStore::PeerStore(const char *directory, std::function<void(std::string_view)> told)
    : committed(std::move(told))
{
	MDB_txn *txn;
	must(mdb_env_create(&env), "environment");
	must(mdb_env_set_maxdbs(env, 16), "tables");
	must(mdb_env_set_maxreaders(env, READERS), "readers");
	must(mdb_env_set_mapsize(env, MAP_SIZE), "map");
	must(mdb_env_open(env, directory, MDB_NOTLS, 0600), directory);
	must(mdb_txn_begin(env, nullptr, 0, &txn), "transaction");
	must(mdb_dbi_open(txn, "records", 0, &records), "records");
	must(mdb_dbi_open(txn, "index", 0, &index), "index");
	must(mdb_dbi_open(txn, "events", 0, &events), "events");
	read_ends(txn);
	must(mdb_txn_commit(txn), "transaction");
	writer = std::thread([this] { run(); });
}

// Where new keys go on, and what an event looks like.
void
PeerStore::read_ends(MDB_txn *txn)
{
	MDB_cursor *cursor;
	std::string beyond(1, char(APPLICATION + 1));
	MDB_val key = val(beyond), value;
	must(mdb_cursor_open(txn, records, &cursor), "cursor");
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	must(mdb_cursor_get(cursor, &key, &value, rc == 0 ? MDB_PREV : MDB_LAST), "no records");
	year = unsigned(big_endian(view(key).substr(1, 2)));
	last_number = big_endian(view(key).substr(3, 6));
	mdb_cursor_close(cursor);
	must(mdb_cursor_open(txn, events, &cursor), "cursor");
	must(mdb_cursor_get(cursor, &key, &value, MDB_LAST), "no events");
	last_revision = big_endian(view(key));
	event = body_of(view(value).substr(DIGEST));
	mdb_cursor_close(cursor);
}

bool
PeerStore::get(std::string_view name, const std::function<void(std::string_view)> &found)
{
	std::optional<std::string> bytes = parse_name(name);
	if (!bytes)
		return false;
	Snapshot snapshot(env);
	MDB_val key = val(*bytes), value;
	if (mdb_get(snapshot.txn, records, &key, &value))
		return false;
	found(body_of(view(value)));
	return true;
}

std::string
PeerStore::list(size_t count)
{
	std::string reply, first(1, char(APPLICATION));
	Snapshot snapshot(env);
	MDB_cursor *cursor;
	MDB_val key = val(first), value;
	must(mdb_cursor_open(snapshot.txn, records, &cursor), "cursor");
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (!rc && view(key)[0] == char(APPLICATION) && count--) {
		put_field(reply, 1, body_of(view(value)));
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return reply;
}

void
PeerStore::put(Put p)
{
	std::lock_guard<std::mutex> held(lock);
	waiting.push_back(std::move(p));
	filled.notify_one();
}

std::string
PeerStore::put_one(MDB_txn *txn, const Put &p)
{
	char name[64];
	std::string key = key_of(year, ++last_number), body, log(DIGEST, '\0'), number;
	snprintf(name, sizeof(name), "applications/A-%u-%06llu", year, (unsigned long long)last_number);
	put_field(body, 1, name);
	body += p.application;
	log += row_of(event);
	put_big_endian(number, ++last_revision, 8);

	auto put_row = [txn](MDB_dbi table, const std::string &k, const std::string &v) {
		MDB_val at = val(k), value = val(v);
		must(mdb_put(txn, table, &at, &value, 0), "put");
	};
	put_row(records, key, row_of(body));
	put_row(index, std::string("\x01peer\x00\x00\x00", 8) + key, "");
	put_row(index, std::string("\x02peer\x00\x00\x05submitted\x00", 18) + key, "");
	put_row(events, number, log);
	return body;
}

void
PeerStore::commit(std::vector<Put> &group)
{
	MDB_txn *txn;
	std::vector<std::string> bodies;
	must(mdb_txn_begin(env, nullptr, 0, &txn), "transaction");
	for (const Put &p : group)
		bodies.push_back(put_one(txn, p));
	must(mdb_txn_commit(txn), "commit");
	for (size_t i = 0; i < group.size(); i++) {
		group[i].done(bodies[i]);
		committed(event);
	}
}

void
PeerStore::run()
{
	for (;;) {
		std::vector<Put> group;
		{
			std::unique_lock<std::mutex> held(lock);
			filled.wait(held, [this] { return !waiting.empty(); });
			group.swap(waiting);
		}
		commit(group);
	}
}
