/* The same from C++: a client that frees itself, and calls that end in a function object.
 *
 *   c++ -std=c++17 cxx.cc $(pkg-config --cflags --libs zwy)
 *   ./a.out unix:/run/zwy/zwyd.sock cloud-server block-storage */
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <poll.h>
#include <zwy.h>

class Client
{
      public:
	using Done = std::function<void(const zwy_error &, const std::string &answer)>;

	explicit Client(const std::string &target)
	{
		zwy_options options = ZWY_OPTIONS_INIT;
		zwy_client *made = nullptr;
		zwy_error error;
		options.user_agent = "cxx-example/1";
		zwy_default_files(&options);
		if (zwy_client_new(&made, target.c_str(), &options, &error) != 0)
			throw std::runtime_error(error.text);
		client.reset(made);
	}

	/* Must not throw: a callback runs inside of C. */
	void call(const std::string &path, const std::string &request, Done done)
	{
		zwy_retry retry = ZWY_RETRY_INIT;
		zwy_call_options options = ZWY_CALL_OPTIONS_INIT;
		auto pending = std::make_unique<Pending>(Pending{this, std::move(done), {}});
		options.message = [](void *ctx, zwy_call *, zwy_bytes message) {
			static_cast<Pending *>(ctx)->answer.assign(static_cast<const char *>(message.data),
								   message.size);
		};
		options.done = [](void *ctx, zwy_call *, const zwy_error *error) {
			std::unique_ptr<Pending> ended(static_cast<Pending *>(ctx));
			ended->client->open--;
			ended->done(*error, ended->answer);
		};
		options.retry = &retry;
		options.ctx = pending.get();
		if (!zwy_call_start(client.get(), path.c_str(), {request.data(), request.size()}, &options))
			throw std::bad_alloc();
		pending.release();
		open++;
	}

	void run()
	{
		while (open > 0) {
			pollfd p = {zwy_client_fd(client.get()), POLLIN, 0};
			poll(&p, 1, zwy_client_timeout(client.get()));
			zwy_client_process(client.get());
		}
	}

      private:
	struct Pending {
		Client *client;
		Done done;
		std::string answer;
	};
	struct Free {
		void operator()(zwy_client *c) const
		{
			zwy_client_free(c);
		}
	};
	std::unique_ptr<zwy_client, Free> client;
	unsigned open = 0;
};

static std::string
request_for(const std::string &name)
{
	const std::string text = "name=catalogue/" + name;
	zwy_bytes made;
	zwy_error error;
	if (zwy_message_parse("zwy.v1.GetServiceRequest", {text.data(), text.size()}, ZWY_TEXT, &made,
			      &error) != 0)
		throw std::runtime_error(error.text);
	std::string request(static_cast<const char *>(made.data), made.size);
	std::free(const_cast<void *>(made.data));
	return request;
}

int
main(int argc, char **argv)
try {
	int status = 0;
	Client client(argc > 1 ? argv[1] : "");
	for (int i = 2; i < argc; i++)
		client.call("/zwy.v1.CatalogueService/GetService", request_for(argv[i]),
			    [&status](const zwy_error &error, const std::string &answer) {
				    char *text;
				    if (error.status != 0) {
					    std::cerr << error.text << "\n";
					    status = 1;
				    } else if (zwy_message_print("zwy.v1.Service",
								 {answer.data(), answer.size()},
								 ZWY_JSON_LINE, &text, nullptr) == 0) {
					    std::cout << text << "\n";
					    std::free(text);
				    }
			    });
	client.run();
	return status;
} catch (const std::exception &e) {
	std::cerr << e.what() << "\n";
	return 2;
}
