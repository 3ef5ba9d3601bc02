// zwy-interop-cpp: the interoperability cases of grpc's doc/interop-test-descriptions.md,
// by gRPC's own C++ library.
//
//   zwy-interop-cpp TARGET [CA_FILE]      with CA_FILE over TLS
//
// Prints `ok CASE` or `not ok CASE WHY` for each. It is the one client that sets and sees
// the compression of single messages.
#include <chrono>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "grpc/testing/test.grpc.pb.h"

// Of the core, exported for clients like this one; 0x40000000: the message was compressed.
uint32_t grpc_call_test_only_get_message_flags(grpc_call *call);

// The friend by which ClientContext lets one look at its call.
class grpc::testing::InteropClientContextInspector
{
      public:
	static bool came_compressed(const grpc::ClientContext &context)
	{
		return grpc_call_test_only_get_message_flags(context.call_) & 0x40000000u;
	}
};

namespace
{
using namespace grpc::testing;
using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;

constexpr int LARGE_REQUEST = 271828, LARGE_ANSWER = 314159;
constexpr int ANSWERS[] = {31415, 9, 2653, 58979}, REQUESTS[] = {27182, 8, 1828, 45904};
const char INITIAL[] = "x-grpc-test-echo-initial", TRAILING[] = "x-grpc-test-echo-trailing-bin";

#define REQUIRE(condition)                                                                              \
	do {                                                                                            \
		if (!(condition))                                                                       \
			throw std::runtime_error("line " + std::to_string(__LINE__) + ": " #condition); \
	} while (0)

struct Client {
	std::shared_ptr<grpc::Channel> channel;
	std::unique_ptr<TestService::Stub> stub;
};

// A context with a deadline, so that a hang is a failure.
struct Context : ClientContext {
	Context()
	{
		set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
	}
};

std::string
zeros(int n)
{
	return std::string(static_cast<size_t>(n), '\0');
}

SimpleRequest
large_request()
{
	SimpleRequest request;
	request.set_response_size(LARGE_ANSWER);
	request.mutable_payload()->set_body(zeros(LARGE_REQUEST));
	return request;
}

void
require_large(Client &c, Context &context, const SimpleRequest &request)
{
	SimpleResponse response;
	Status status = c.stub->UnaryCall(&context, request, &response);
	REQUIRE(status.ok());
	REQUIRE(response.payload().body() == zeros(LARGE_ANSWER));
}

StreamingOutputCallRequest
output(int answer, int request)
{
	StreamingOutputCallRequest made;
	made.add_response_parameters()->set_size(answer);
	made.mutable_payload()->set_body(zeros(request));
	return made;
}

void
empty_unary(Client &c)
{
	Context context;
	Empty response;
	REQUIRE(c.stub->EmptyCall(&context, Empty(), &response).ok());
}

void
large_unary(Client &c)
{
	Context context;
	require_large(c, context, large_request());
}

void
client_streaming(Client &c)
{
	Context context;
	StreamingInputCallResponse response;
	auto stream = c.stub->StreamingInputCall(&context, &response);
	for (int size : REQUESTS) {
		StreamingInputCallRequest request;
		request.mutable_payload()->set_body(zeros(size));
		REQUIRE(stream->Write(request));
	}
	stream->WritesDone();
	REQUIRE(stream->Finish().ok());
	REQUIRE(response.aggregated_payload_size() == 74922);
}

void
server_streaming(Client &c)
{
	Context context;
	StreamingOutputCallRequest request;
	StreamingOutputCallResponse response;
	for (int size : ANSWERS)
		request.add_response_parameters()->set_size(size);
	auto stream = c.stub->StreamingOutputCall(&context, request);
	for (int size : ANSWERS)
		REQUIRE(stream->Read(&response) && response.payload().body() == zeros(size));
	REQUIRE(!stream->Read(&response));
	REQUIRE(stream->Finish().ok());
}

void
ping_pong(Client &c)
{
	Context context;
	StreamingOutputCallResponse response;
	auto stream = c.stub->FullDuplexCall(&context);
	for (size_t i = 0; i < std::size(ANSWERS); i++) {
		REQUIRE(stream->Write(output(ANSWERS[i], REQUESTS[i])));
		REQUIRE(stream->Read(&response) && response.payload().body() == zeros(ANSWERS[i]));
	}
	stream->WritesDone();
	REQUIRE(!stream->Read(&response));
	REQUIRE(stream->Finish().ok());
}

void
half_duplex(Client &c)
{
	Context context;
	StreamingOutputCallResponse response;
	auto stream = c.stub->HalfDuplexCall(&context);
	for (size_t i = 0; i < std::size(ANSWERS); i++)
		REQUIRE(stream->Write(output(ANSWERS[i], REQUESTS[i])));
	stream->WritesDone();
	for (int size : ANSWERS)
		REQUIRE(stream->Read(&response) && response.payload().body() == zeros(size));
	REQUIRE(!stream->Read(&response));
	REQUIRE(stream->Finish().ok());
}

void
empty_stream(Client &c)
{
	Context context;
	StreamingOutputCallResponse response;
	auto stream = c.stub->FullDuplexCall(&context);
	stream->WritesDone();
	REQUIRE(!stream->Read(&response));
	REQUIRE(stream->Finish().ok());
}

void
cancel_after_begin(Client &c)
{
	Context context;
	StreamingInputCallResponse response;
	auto stream = c.stub->StreamingInputCall(&context, &response);
	context.TryCancel();
	REQUIRE(stream->Finish().error_code() == StatusCode::CANCELLED);
}

void
cancel_after_first_response(Client &c)
{
	Context context;
	StreamingOutputCallResponse response;
	auto stream = c.stub->FullDuplexCall(&context);
	REQUIRE(stream->Write(output(31415, 27182)));
	REQUIRE(stream->Read(&response) && response.payload().body().size() == 31415);
	context.TryCancel();
	REQUIRE(stream->Finish().error_code() == StatusCode::CANCELLED);
}

void
timeout_on_sleeping_server(Client &c)
{
	ClientContext context;
	StreamingOutputCallRequest request;
	context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
	request.mutable_payload()->set_body(zeros(27182));
	auto stream = c.stub->FullDuplexCall(&context);
	stream->Write(request);
	REQUIRE(stream->Finish().error_code() == StatusCode::DEADLINE_EXCEEDED);
}

void
require_both(Client &c, const std::string &message)
{
	Context unary, streaming;
	SimpleRequest request;
	SimpleResponse response;
	StreamingOutputCallRequest stream_request;
	request.mutable_response_status()->set_code(2);
	request.mutable_response_status()->set_message(message);
	*stream_request.mutable_response_status() = request.response_status();
	Status status = c.stub->UnaryCall(&unary, request, &response);
	REQUIRE(status.error_code() == StatusCode::UNKNOWN && status.error_message() == message);
	auto stream = c.stub->FullDuplexCall(&streaming);
	stream->Write(stream_request);
	stream->WritesDone();
	status = stream->Finish();
	REQUIRE(status.error_code() == StatusCode::UNKNOWN && status.error_message() == message);
}

void
status_code_and_message(Client &c)
{
	require_both(c, "test status message");
}

void
special_status_message(Client &c)
{
	require_both(
		c,
		"\t\ntest with whitespace\r\nand Unicode BMP \xE2\x98\xBA and non-BMP \xF0\x9F\x98\x88\t\n");
}

void
require_echoed(const ClientContext &context)
{
	auto initial = context.GetServerInitialMetadata().find(INITIAL);
	auto trailing = context.GetServerTrailingMetadata().find(TRAILING);
	REQUIRE(initial != context.GetServerInitialMetadata().end() &&
		initial->second == "test_initial_metadata_value");
	REQUIRE(trailing != context.GetServerTrailingMetadata().end() && trailing->second == "\xab\xab\xab");
}

void
custom_metadata(Client &c)
{
	Context unary, streaming;
	StreamingOutputCallResponse response;
	for (ClientContext *context :
	     {static_cast<ClientContext *>(&unary), static_cast<ClientContext *>(&streaming)}) {
		context->AddMetadata(INITIAL, "test_initial_metadata_value");
		context->AddMetadata(TRAILING, "\xab\xab\xab");
	}
	require_large(c, unary, large_request());
	require_echoed(unary);
	auto stream = c.stub->FullDuplexCall(&streaming);
	REQUIRE(stream->Write(output(LARGE_ANSWER, LARGE_REQUEST)));
	stream->WritesDone();
	REQUIRE(stream->Read(&response) && !stream->Read(&response));
	REQUIRE(stream->Finish().ok());
	require_echoed(streaming);
}

void
unimplemented_method(Client &c)
{
	Context context;
	Empty response;
	Status status = c.stub->UnimplementedCall(&context, Empty(), &response);
	REQUIRE(status.error_code() == StatusCode::UNIMPLEMENTED);
}

void
unimplemented_service(Client &c)
{
	Context context;
	Empty response;
	auto stub = UnimplementedService::NewStub(c.channel);
	Status status = stub->UnimplementedCall(&context, Empty(), &response);
	REQUIRE(status.error_code() == StatusCode::UNIMPLEMENTED);
}

void
client_compressed_unary(Client &c)
{
	SimpleResponse response;
	SimpleRequest request = large_request();
	request.mutable_expect_compressed()->set_value(true);
	Context probe;
	REQUIRE(c.stub->UnaryCall(&probe, request, &response).error_code() == StatusCode::INVALID_ARGUMENT);
	for (bool wish : {true, false}) {
		Context context;
		context.set_compression_algorithm(wish ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
		request.mutable_expect_compressed()->set_value(wish);
		require_large(c, context, request);
	}
}

void
server_compressed_unary(Client &c)
{
	for (bool wish : {true, false}) {
		Context context;
		SimpleRequest request = large_request();
		request.mutable_response_compressed()->set_value(wish);
		require_large(c, context, request);
		REQUIRE(InteropClientContextInspector::came_compressed(context) == wish);
	}
}

void
client_compressed_streaming(Client &c)
{
	StreamingInputCallResponse response;
	StreamingInputCallRequest request;
	request.mutable_expect_compressed()->set_value(true);
	request.mutable_payload()->set_body(zeros(27182));
	Context probing;
	auto probe = c.stub->StreamingInputCall(&probing, &response);
	probe->Write(request);
	probe->WritesDone();
	REQUIRE(probe->Finish().error_code() == StatusCode::INVALID_ARGUMENT);
	Context context;
	context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
	auto stream = c.stub->StreamingInputCall(&context, &response);
	REQUIRE(stream->Write(request));
	request.mutable_expect_compressed()->set_value(false);
	request.mutable_payload()->set_body(zeros(45904));
	REQUIRE(stream->Write(request, grpc::WriteOptions().set_no_compression()));
	stream->WritesDone();
	REQUIRE(stream->Finish().ok());
	REQUIRE(response.aggregated_payload_size() == 73086);
}

void
server_compressed_streaming(Client &c)
{
	Context context;
	StreamingOutputCallRequest request;
	StreamingOutputCallResponse response;
	for (int size : {31415, 92653}) {
		auto *parameters = request.add_response_parameters();
		parameters->set_size(size);
		parameters->mutable_compressed()->set_value(size == 31415);
	}
	auto stream = c.stub->StreamingOutputCall(&context, request);
	for (int size : {31415, 92653}) {
		REQUIRE(stream->Read(&response) && response.payload().body() == zeros(size));
		REQUIRE(InteropClientContextInspector::came_compressed(context) == (size == 31415));
	}
	REQUIRE(!stream->Read(&response));
	REQUIRE(stream->Finish().ok());
}

void
concurrent_large_unary(Client &c)
{
	std::vector<std::thread> threads;
	std::vector<char> passed(50);
	for (size_t i = 0; i < passed.size(); i++)
		threads.emplace_back([&c, &passed, i] {
			Context context;
			SimpleResponse response;
			passed[i] = c.stub->UnaryCall(&context, large_request(), &response).ok() &&
				    response.payload().body().size() == LARGE_ANSWER;
		});
	for (std::thread &thread : threads)
		thread.join();
	for (char one : passed)
		REQUIRE(one);
}

#define CASE(name)          \
	{                   \
#name, name \
	}
const struct {
	const char *name;
	void (*run)(Client &);
} cases[] = {
	CASE(empty_unary),
	CASE(large_unary),
	CASE(client_streaming),
	CASE(server_streaming),
	CASE(ping_pong),
	CASE(half_duplex),
	CASE(empty_stream),
	CASE(cancel_after_begin),
	CASE(cancel_after_first_response),
	CASE(timeout_on_sleeping_server),
	CASE(status_code_and_message),
	CASE(special_status_message),
	CASE(custom_metadata),
	CASE(unimplemented_method),
	CASE(unimplemented_service),
	CASE(client_compressed_unary),
	CASE(server_compressed_unary),
	CASE(client_compressed_streaming),
	CASE(server_compressed_streaming),
	CASE(concurrent_large_unary),
};

std::shared_ptr<grpc::ChannelCredentials>
credentials(const char *file)
{
	if (!file)
		return grpc::InsecureChannelCredentials();
	std::ifstream in(file);
	grpc::SslCredentialsOptions options;
	options.pem_root_certs.assign(std::istreambuf_iterator<char>(in), {});
	return grpc::SslCredentials(options);
}
} // namespace

int
main(int argc, char **argv)
{
	if (argc < 2) {
		std::cerr << "usage: zwy-interop-cpp TARGET [CA_FILE]\n";
		return 2;
	}
	for (const auto &one : cases) {
		Client client;
		client.channel = grpc::CreateChannel(argv[1], credentials(argc > 2 ? argv[2] : nullptr));
		client.stub = TestService::NewStub(client.channel);
		try {
			one.run(client);
			std::cout << "ok " << one.name << std::endl;
		} catch (const std::exception &error) {
			std::cout << "not ok " << one.name << " " << error.what() << std::endl;
		}
	}
	return 0;
}
