// The store behind zwy-peer: rows as zwyd keeps them (store/README.md), without
// rules, authority or a chain of digests.
//
// Reading may be done by any thread, each with a snapshot of its own that is renewed
// for every call. Puts are queued; one thread commits all that wait, durably, and
// then tells each of them.
#ifndef BENCH_PEER_STORE_H
#define BENCH_PEER_STORE_H

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <lmdb.h>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

class PeerStore
{
      public:
	// `committed` gets the event of each put, in order, on the committing thread.
	PeerStore(const char *directory, std::function<void(std::string_view)> committed);
	PeerStore(const PeerStore &) = delete;
	PeerStore &operator=(const PeerStore &) = delete;

	// The record's bytes; false if there is no application of that name.
	bool get(std::string_view name, const std::function<void(std::string_view)> &found);
	// Applications in the order of their names, each as field 1, `count` at the most.
	std::string list(size_t count);

	// A new application: the record, two index rows and an event, as many bytes as
	// zwyd has for them. `done` gets the record's bytes once they are on disk.
	struct Put {
		std::string application; // as the request has it
		std::function<void(const std::string &)> done;
	};
	void put(Put put);

      private:
	void read_ends(MDB_txn *txn);
	std::string put_one(MDB_txn *txn, const Put &put);
	void commit(std::vector<Put> &group);
	void run();

	MDB_env *env = nullptr;
	MDB_dbi records = 0, index = 0, events = 0;
	uint64_t last_number = 0, last_revision = 0;
	unsigned year = 0;
	std::string event; // of the newest row of the log: what all events look like
	std::function<void(std::string_view)> committed;

	std::mutex lock;
	std::condition_variable filled;
	std::vector<Put> waiting;
	std::thread writer;
};

#endif
