// zwy-peer: GetApplication, ListApplications, CreateApplication and Watch by gRPC's own
// C++ library, over a copy of zwyd's store. The bench measures it beside zwyd.
//
// It is given every advantage: the callback API, which is that library's fastest for
// unary calls on few cores; messages as raw bytes, so that nothing is decoded or
// encoded; stored bytes are the reply; no caller is identified and nothing is judged,
// logged or counted. It goes on until it is killed.
#include <cstring>
#include <deque>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <iterator>
#include <set>
#include <unistd.h>

#include "peer_store.h"

namespace
{
using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::Slice;
using grpc::Status;

const char usage[] =
	"usage: zwy-peer STORE [--cert FILE --key FILE] TARGET...\n"
	"TARGET: unix:PATH, ADDRESS:PORT or tls:ADDRESS:PORT. STORE is written to: give it a copy.\n";

ByteBuffer
buffer_of(std::string_view bytes)
{
	Slice slice(bytes.data(), bytes.size());
	return ByteBuffer(&slice, 1);
}

// Field `number` of a message, just enough of protobuf for the requests of the bench.
std::string_view
field(std::string_view message, unsigned number, uint64_t *ret_value = nullptr)
{
	size_t at = 0;
	auto varint = [&] {
		uint64_t value = 0;
		for (unsigned shift = 0; at < message.size() && shift < 64; shift += 7) {
			unsigned char byte = (unsigned char)message[at++];
			value |= uint64_t(byte & 0x7f) << shift;
			if (!(byte & 0x80))
				break;
		}
		return value;
	};
	while (at < message.size()) {
		uint64_t tag = varint(), value = varint();
		bool wanted = tag >> 3 == number;
		if (wanted && ret_value)
			*ret_value = value;
		if ((tag & 7) != 2)
			continue;
		if (wanted)
			return message.substr(at, value);
		at += value;
	}
	return {};
}

// The bytes of a request, for as long as this object lives.
class Request
{
      public:
	explicit Request(const ByteBuffer *buffer)
	{
		if (!buffer->TrySingleSlice(&slice).ok())
			(void)buffer->DumpToSingleSlice(&slice);
	}
	std::string_view bytes() const
	{
		return {reinterpret_cast<const char *>(slice.begin()), slice.size()};
	}

      private:
	Slice slice;
};

class Watchers;

// One Watch: sends what is queued, one after the other.
class Watcher final : public grpc::ServerWriteReactor<ByteBuffer>
{
      public:
	Watcher(Watchers *all, std::string_view wanted) : watchers(all), prefix(wanted)
	{
	}
	const std::string &wants() const
	{
		return prefix;
	}
	void deliver(const ByteBuffer &event);
	void OnWriteDone(bool ok) override;
	void OnCancel() override;
	void OnDone() override;

      private:
	void finish();

	Watchers *watchers;
	std::string prefix;
	std::mutex lock;
	std::deque<ByteBuffer> queue; // the first is being written
	bool finished = false;
};

class Watchers
{
      public:
	void add(Watcher *w)
	{
		std::lock_guard<std::mutex> held(lock);
		all.insert(w);
	}
	void remove(Watcher *w)
	{
		std::lock_guard<std::mutex> held(lock);
		all.erase(w);
	}
	void tell(std::string_view event)
	{
		std::lock_guard<std::mutex> held(lock);
		ByteBuffer buffer = buffer_of(event); // shared by all of them
		for (Watcher *w : all) {
			if (field(event, 3).substr(0, w->wants().size()) == w->wants())
				w->deliver(buffer);
		}
	}

      private:
	std::mutex lock;
	std::set<Watcher *> all;
};

void
Watcher::deliver(const ByteBuffer &event)
{
	std::lock_guard<std::mutex> held(lock);
	if (finished)
		return;
	queue.push_back(event);
	if (queue.size() == 1)
		StartWrite(&queue.front());
}

void
Watcher::OnWriteDone(bool ok)
{
	std::lock_guard<std::mutex> held(lock);
	queue.pop_front();
	if (!ok)
		finish();
	else if (!queue.empty() && !finished)
		StartWrite(&queue.front());
}

void
Watcher::OnCancel()
{
	std::lock_guard<std::mutex> held(lock);
	finish();
}

void
Watcher::finish()
{
	if (!finished)
		Finish(Status::CANCELLED);
	finished = true;
}

void
Watcher::OnDone()
{
	watchers->remove(this);
	delete this;
}

// What protoc's plug-in would generate for raw callback methods.
class Service : public grpc::Service
{
      protected:
	using Unary = std::function<grpc::ServerUnaryReactor *(CallbackServerContext *, const ByteBuffer *,
							       ByteBuffer *)>;
	using Stream = std::function<grpc::ServerWriteReactor<ByteBuffer> *(CallbackServerContext *,
									    const ByteBuffer *)>;

	void add_unary(const char *path, Unary unary)
	{
		using Handler = grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>;
		add(path, grpc::internal::RpcMethod::NORMAL_RPC, new Handler(std::move(unary)));
	}
	void add_stream(const char *path, Stream stream)
	{
		using Handler = grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>;
		add(path, grpc::internal::RpcMethod::SERVER_STREAMING, new Handler(std::move(stream)));
	}

      private:
	void add(const char *path, grpc::internal::RpcMethod::RpcType type,
		 grpc::internal::MethodHandler *handler)
	{
		AddMethod(new grpc::internal::RpcServiceMethod(path, type, nullptr));
		MarkMethodRawCallback(count++, handler);
	}
	int count = 0;
};

class Applications final : public Service
{
      public:
	Applications(PeerStore &store, Watchers &watchers)
	{
		add_unary("/zwy.v1.ApplicationService/GetApplication", [&store](CallbackServerContext *c,
										const ByteBuffer *request,
										ByteBuffer *reply) {
			Request asked(request);
			bool found = store.get(field(asked.bytes(), 1), [reply](std::string_view record) {
				*reply = buffer_of(record);
			});
			return finished(c, found ? Status::OK : Status(grpc::NOT_FOUND, "there is none"));
		});
		add_unary("/zwy.v1.ApplicationService/ListApplications",
			  [&store](CallbackServerContext *c, const ByteBuffer *request, ByteBuffer *reply) {
				  Request asked(request);
				  uint64_t size = 0;
				  field(asked.bytes(), 2, &size);
				  *reply = buffer_of(store.list(size));
				  return finished(c, Status::OK);
			  });
		add_unary("/zwy.v1.ApplicationService/CreateApplication",
			  [&store](CallbackServerContext *c, const ByteBuffer *request, ByteBuffer *reply) {
				  Request asked(request);
				  grpc::ServerUnaryReactor *reactor = c->DefaultReactor();
				  store.put({std::string(field(asked.bytes(), 1)),
					     [reply, reactor](const std::string &record) {
						     *reply = buffer_of(record);
						     reactor->Finish(Status::OK);
					     }});
				  return reactor;
			  });
		add_stream("/zwy.v1.WatchService/Watch", [&watchers](CallbackServerContext *,
								     const ByteBuffer *request) {
			Watcher *watcher = new Watcher(&watchers, field(Request(request).bytes(), 1));
			watchers.add(watcher);
			return watcher;
		});
	}

      private:
	static grpc::ServerUnaryReactor *finished(CallbackServerContext *c, const Status &status)
	{
		grpc::ServerUnaryReactor *reactor = c->DefaultReactor();
		reactor->Finish(status);
		return reactor;
	}
};

std::string
contents(const std::string &path)
{
	std::ifstream file(path);
	return {std::istreambuf_iterator<char>(file), {}};
}

struct Listener {
	std::string target;
	int port = 0;
};
} // namespace

int
main(int argc, char **argv)
{
	std::string certificate, key;
	std::vector<Listener> listeners;
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--cert") && i + 1 < argc)
			certificate = contents(argv[++i]);
		else if (!strcmp(argv[i], "--key") && i + 1 < argc)
			key = contents(argv[++i]);
		else
			listeners.push_back({argv[i]});
	}
	if (listeners.empty()) {
		fputs(usage, stderr);
		return 2;
	}
	Watchers watchers;
	PeerStore store(argv[1], [&watchers](std::string_view event) { watchers.tell(event); });
	Applications applications(store, watchers);
	grpc::SslServerCredentialsOptions tls;
	tls.pem_key_cert_pairs.push_back({key, certificate});
	grpc::ServerBuilder builder;
	for (Listener &l : listeners) {
		bool is_tls = l.target.rfind("tls:", 0) == 0;
		builder.AddListeningPort(is_tls ? l.target.substr(4) : l.target,
					 is_tls ? grpc::SslServerCredentials(tls)
						: grpc::InsecureServerCredentials(),
					 &l.port);
	}
	builder.RegisterService(&applications);
	std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
	if (!server)
		return 1;
	for (const Listener &l : listeners) {
		bool is_unix = l.target.rfind("unix:", 0) == 0;
		std::string shown =
			is_unix ? l.target
				: l.target.substr(0, l.target.rfind(':') + 1) + std::to_string(l.port);
		printf("listening %s\n", shown.c_str());
	}
	fflush(stdout);
	pause();
	return 0;
}
