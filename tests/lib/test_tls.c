/* TLS: whom a client believes, whom it tells who it is, and what it says when it
 * does not go on. */
#include <errno.h>

#include "drive.h"
#include "pki.h"

static struct pki pki;
static const char *ca_file;

static int
make_authority(void **state)
{
	(void)state;
	pki_init(&pki);
	ca_file = pki_write(&pki, "ca.pem", &pki.authority, true, false);
	return 0;
}

static int
remove_authority(void **state)
{
	(void)state;
	pki_release(&pki);
	return 0;
}

/* A peer on TLS that shows a certificate for these names. */
static void
serve(struct peer *peer, struct pki_pair *shown, bool asks, const char *protocol)
{
	*peer = (struct peer){.is_tcp = true};
	peer->tls = pki_server(shown, asks ? &pki.authority : NULL, protocol);
	pki_pair_free(shown);
	peer_start(peer);
}

static void
serve_names(struct peer *peer, const char *names)
{
	struct pki_pair shown = pki_issue(&pki.authority, "server", names, -1, 30);
	serve(peer, &shown, false, "\2h2");
}

static void
stop(struct peer *peer)
{
	peer_release(peer);
	SSL_CTX_free(peer->tls);
}

static struct zwy_client *
client_with(const struct peer *peer, struct zwy_options o)
{
	struct zwy_client *c = NULL;
	struct zwy_error error;
	o.size = sizeof(o);
	o.backoff_max_ms = 40;
	assert_int_equal(zwy_client_new(&c, peer->target, &o, &error), 0);
	return c;
}

static int
call(struct zwy_client *c, const char *path, const char *request, struct zwy_bytes *ret,
     struct zwy_error *error)
{
	return zwy_unary(c, path, bytes_of(request), NULL, ret, error);
}

/* The call fails before anything is sent, for this reason. */
static void
refused(const struct peer *peer, struct zwy_options o, const char *part, const char *other_part)
{
	struct zwy_error error;
	struct zwy_client *c = client_with(peer, o);
	assert_int_equal(call(c, "/t/Echo", "x", NULL, &error), -1);
	if (!strstr(error.text, part) || !strstr(error.text, other_part))
		print_message("%s\n", error.text);
	assert_non_null(strstr(error.text, part));
	assert_non_null(strstr(error.text, other_part));
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_int_equal(error.exit_status, 6);
	assert_false(error.sent);
	zwy_client_free(c);
}

static void
calls_go_through_tls(void **state)
{
	(void)state;
	struct peer peer;
	struct zwy_bytes answer;
	struct zwy_error error;
	serve_names(&peer, "IP:127.0.0.1");
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = ca_file});
	assert_int_equal(call(c, "/t/Headers", "", &answer, &error), 0);
	assert_non_null(strstr(answer.data, ":scheme: https\n"));
	char authority[64];
	snprintf(authority, sizeof(authority), ":authority: 127.0.0.1:%u\n", peer.port);
	assert_non_null(strstr(answer.data, authority));
	free((void *)answer.data);
	for (int i = 0; i < 300; i++)
		assert_int_equal(call(c, "/t/Echo", "x", NULL, &error), 0);
	assert_int_equal(atomic_load(&peer.accepted), 1);
	zwy_client_free(c);
	stop(&peer);
}

static void
large_messages_and_streams_go_through_tls(void **state)
{
	(void)state;
	struct peer peer;
	struct zwy_bytes answer;
	struct zwy_error error;
	serve_names(&peer, "IP:127.0.0.1");
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = ca_file});
	size_t n = 4 << 20;
	char *big = malloc(n);
	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 31 >> 3);
	assert_int_equal(zwy_unary(c, "/t/Echo", (struct zwy_bytes){big, n}, NULL, &answer, &error), 0);
	assert_int_equal(answer.size, n);
	assert_memory_equal(answer.data, big, n);
	free((void *)answer.data);
	free(big);
	struct seen s[8] = {0};
	for (int i = 0; i < 8; i++)
		seen_start(c, &s[i], "/t/Stream", "500 3000");
	for (int i = 0; i < 8; i++) {
		drive_done(c, &s[i]);
		assert_int_equal(s[i].error.status, 0);
		assert_int_equal(s[i].messages, 500);
		buf_release(&s[i].last);
	}
	zwy_client_free(c);
	stop(&peer);
}

static void
a_paused_call_holds_back_a_server_on_tls(void **state)
{
	(void)state;
	struct peer peer;
	serve_names(&peer, "IP:127.0.0.1");
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = ca_file});
	struct seen slow = {.pause_at_first = true};
	seen_start(c, &slow, "/t/Stream", "5000 4000");
	while (slow.messages == 0)
		turn(c);
	for (int i = 0; i < 20; i++) {
		struct seen other = {0};
		seen_start(c, &other, "/t/Echo", "x");
		drive_done(c, &other);
		buf_release(&other.last);
	}
	assert_int_equal(slow.messages, 1);
	assert_true(atomic_load(&peer.sent) < 2 << 20);
	zwy_call_resume(slow.call);
	drive_done(c, &slow);
	assert_int_equal(slow.messages, 5000);
	buf_release(&slow.last);
	zwy_client_free(c);
	stop(&peer);
}

static void
an_authority_that_is_not_trusted_is_named(void **state)
{
	(void)state;
	struct peer peer;
	struct pki_pair shown = pki_issue(&pki.other, "server", "IP:127.0.0.1", -1, 30);
	serve(&peer, &shown, false, "\2h2");
	refused(&peer, (struct zwy_options){.ca_file = ca_file}, "not trusted", "127.0.0.1");
	refused(&peer, (struct zwy_options){0}, "not trusted", "unable to get local issuer");
	assert_int_equal(atomic_load(&peer.requests), 0);
	stop(&peer);
}

static void
an_expired_certificate_is_refused(void **state)
{
	(void)state;
	struct peer peer;
	struct pki_pair shown = pki_issue(&pki.authority, "server", "IP:127.0.0.1", -30, -1);
	serve(&peer, &shown, false, "\2h2");
	refused(&peer, (struct zwy_options){.ca_file = ca_file}, "not trusted", "expired");
	stop(&peer);
}

static void
a_certificate_for_another_host_is_refused_with_both_names(void **state)
{
	(void)state;
	struct peer peer;
	serve_names(&peer, "DNS:a.example,DNS:*.b.example,IP:10.0.0.1");
	struct zwy_options o = {.ca_file = ca_file};
	refused(&peer, o, "is for a.example, *.b.example, 10.0.0.1", "not for 127.0.0.1");
	o.server_name = "c.example";
	refused(&peer, o, "is for a.example", "not for c.example");
	o.server_name = "x.y.b.example";
	refused(&peer, o, "is for a.example", "not for x.y.b.example");
	static const char *const good[] = {"a.example", "x.b.example", "10.0.0.1"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct zwy_bytes answer;
		char authority[64];
		o.server_name = good[i];
		struct zwy_client *c = client_with(&peer, o);
		assert_int_equal(call(c, "/t/Headers", "", &answer, NULL), 0);
		snprintf(authority, sizeof(authority), ":authority: %s\n", good[i]);
		assert_non_null(strstr(answer.data, authority));
		free((void *)answer.data);
		zwy_client_free(c);
	}
	stop(&peer);
}

static void
a_common_name_is_no_host_name(void **state)
{
	(void)state;
	struct peer peer;
	struct pki_pair shown = pki_issue(&pki.authority, "a.example", NULL, -1, 30);
	serve(&peer, &shown, false, "\2h2");
	refused(&peer, (struct zwy_options){.ca_file = ca_file, .server_name = "a.example"}, "names no host",
		"a.example");
	stop(&peer);
}

static void
a_server_without_http2_is_refused(void **state)
{
	(void)state;
	static const char *const protocols[] = {NULL, "\2h3"};
	for (int i = 0; i < 2; i++) {
		struct peer peer;
		struct pki_pair shown = pki_issue(&pki.authority, "server", "IP:127.0.0.1", -1, 30);
		serve(&peer, &shown, false, protocols[i]);
		refused(&peer, (struct zwy_options){.ca_file = ca_file}, "HTTP/2", "ALPN");
		stop(&peer);
	}
}

static void
old_versions_of_tls_are_refused(void **state)
{
	(void)state;
	struct peer peer;
	serve_names(&peer, "IP:127.0.0.1");
	SSL_CTX_set_security_level(peer.tls, 0);
	SSL_CTX_set_max_proto_version(peer.tls, TLS1_1_VERSION);
	refused(&peer, (struct zwy_options){.ca_file = ca_file}, "TLS", "version");
	SSL_CTX_set_max_proto_version(peer.tls, TLS1_2_VERSION);
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = ca_file});
	assert_int_equal(call(c, "/t/Echo", "x", NULL, NULL), 0);
	zwy_client_free(c);
	stop(&peer);
}

static void
a_client_certificate_is_shown_when_asked_for(void **state)
{
	(void)state;
	struct peer peer;
	struct pki_pair shown = pki_issue(&pki.authority, "server", "IP:127.0.0.1", -1, 30),
			mine = pki_issue(&pki.authority, "li", NULL, -1, 30),
			foreign = pki_issue(&pki.other, "eve", NULL, -1, 30);
	serve(&peer, &shown, true, "\2h2");
	struct zwy_options o = {.ca_file = ca_file};
	refused(&peer, o, "TLS", "certificate required");
	o.cert_file = pki_write(&pki, "eve.pem", &foreign, true, true);
	refused(&peer, o, "TLS", "unknown ca");
	o.cert_file = pki_write(&pki, "li.pem", &mine, true, false);
	o.key_file = pki_write(&pki, "li.key", &mine, false, true);
	struct zwy_client *c = client_with(&peer, o);
	assert_int_equal(call(c, "/t/Echo", "x", NULL, NULL), 0);
	zwy_client_free(c);
	o.cert_file = pki_write(&pki, "both.pem", &mine, true, true);
	o.key_file = NULL;
	c = client_with(&peer, o);
	assert_int_equal(call(c, "/t/Echo", "x", NULL, NULL), 0);
	zwy_client_free(c);
	pki_pair_free(&mine);
	pki_pair_free(&foreign);
	stop(&peer);
}

static void
files_that_cannot_be_used_are_told_at_once(void **state)
{
	(void)state;
	struct zwy_client *c;
	struct zwy_error error;
	struct pki_pair mine = pki_issue(&pki.authority, "li", NULL, -1, 30);
	const char *cert = pki_write(&pki, "li.pem", &mine, true, false),
		   *wrong = pki_write(&pki, "wrong.key", &pki.other, false, true);
	const struct {
		struct zwy_options o;
		int r;
		const char *text;
	} cases[] = {
		{{.ca_file = "/nonexistent/ca.pem"}, -ENOENT, "/nonexistent/ca.pem: No such file"},
		{{.ca_file = "/etc/passwd"}, -EINVAL, "trust can be read from /etc/passwd"},
		{{.cert_file = "/etc/passwd"}, -EINVAL, "no certificate can be read from /etc/passwd"},
		{{.cert_file = cert}, -EINVAL, "no key"},
		{{.cert_file = cert, .key_file = wrong}, -EINVAL, "key values mismatch"},
		{{.key_file = wrong}, -EINVAL, "a key without a certificate"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct zwy_options o = cases[i].o;
		o.size = sizeof(o);
		assert_int_equal(zwy_client_new(&c, "tls:localhost:1", &o, &error), cases[i].r);
		if (!strstr(error.text, cases[i].text))
			print_message("%s\n", error.text);
		assert_non_null(strstr(error.text, cases[i].text));
	}
	/* Without TLS nobody looks at them. */
	struct zwy_options o = {.size = sizeof(o), .ca_file = "/nonexistent"};
	assert_int_equal(zwy_client_new(&c, "localhost:1", &o, &error), 0);
	zwy_client_free(c);
	pki_pair_free(&mine);
}

static void
replaced_files_are_read_for_the_next_connection(void **state)
{
	(void)state;
	struct peer peer;
	struct pki_pair shown = pki_issue(&pki.authority, "server", "IP:127.0.0.1", -1, 30);
	serve(&peer, &shown, false, "\2h2");
	const char *file = pki_write(&pki, "moving.pem", &pki.other, true, false);
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = file});
	struct zwy_error error;
	assert_int_equal(call(c, "/t/Echo", "x", NULL, &error), -1);
	pki_write(&pki, "moving.pem", &pki.authority, true, false);
	struct zwy_call_options o = {.size = sizeof(o), .wait_for_ready = true};
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, &error), 0);
	/* A file that says nothing does not take away what there is. */
	FILE *f = fopen(file, "w");
	fclose(f);
	peer_stop(&peer);
	peer_start(&peer);
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, &error), 0);
	zwy_client_free(c);
	stop(&peer);
}

static void
tls_on_one_side_only_fails_with_nothing_sent(void **state)
{
	(void)state;
	struct peer peer;
	char target[64];
	struct zwy_error error;
	serve_names(&peer, "IP:127.0.0.1");
	snprintf(target, sizeof(target), "127.0.0.1:%u", peer.port);
	struct zwy_client *c = client_of(target);
	assert_int_equal(call(c, "/t/Echo", "x", NULL, &error), -1);
	assert_int_equal(error.status, GRPC_UNAVAILABLE);
	assert_false(error.sent);
	zwy_client_free(c);
	stop(&peer);

	peer = (struct peer){.is_tcp = true};
	peer_start(&peer);
	snprintf(peer.target, sizeof(peer.target), "tls:127.0.0.1:%u", peer.port);
	refused(&peer, (struct zwy_options){.ca_file = ca_file}, "does not speak TLS", peer.target);
	peer_release(&peer);
}

static void
a_handshake_that_does_not_end_is_given_up(void **state)
{
	(void)state;
	struct peer peer = {.is_tcp = true, .mute = true};
	peer_start(&peer);
	snprintf(peer.target, sizeof(peer.target), "tls:127.0.0.1:%u", peer.port);
	refused(&peer, (struct zwy_options){.ca_file = ca_file, .connect_timeout_ms = 40},
		"no answer in time", peer.target);
	peer_release(&peer);
}

static void
a_server_killed_in_mid_call_ends_the_call_on_tls(void **state)
{
	(void)state;
	struct peer peer;
	serve_names(&peer, "IP:127.0.0.1");
	struct zwy_client *c = client_with(&peer, (struct zwy_options){.ca_file = ca_file});
	struct seen s = {0};
	seen_start(c, &s, "/t/Hang", "x");
	while (atomic_load(&peer.requests) == 0)
		turn(c);
	peer_stop(&peer);
	drive_done(c, &s);
	assert_int_equal(s.error.status, GRPC_UNAVAILABLE);
	assert_true(s.error.sent);
	peer_start(&peer);
	struct zwy_call_options o = {.size = sizeof(o), .wait_for_ready = true};
	assert_int_equal(zwy_unary(c, "/t/Echo", bytes_of("x"), &o, NULL, NULL), 0);
	zwy_client_free(c);
	stop(&peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_go_through_tls),
		cmocka_unit_test(large_messages_and_streams_go_through_tls),
		cmocka_unit_test(a_paused_call_holds_back_a_server_on_tls),
		cmocka_unit_test(an_authority_that_is_not_trusted_is_named),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_certificate_for_another_host_is_refused_with_both_names),
		cmocka_unit_test(a_common_name_is_no_host_name),
		cmocka_unit_test(a_server_without_http2_is_refused),
		cmocka_unit_test(old_versions_of_tls_are_refused),
		cmocka_unit_test(a_client_certificate_is_shown_when_asked_for),
		cmocka_unit_test(files_that_cannot_be_used_are_told_at_once),
		cmocka_unit_test(replaced_files_are_read_for_the_next_connection),
		cmocka_unit_test(tls_on_one_side_only_fails_with_nothing_sent),
		cmocka_unit_test(a_handshake_that_does_not_end_is_given_up),
		cmocka_unit_test(a_server_killed_in_mid_call_ends_the_call_on_tls),
	};
	return cmocka_run_group_tests(tests, make_authority, remove_authority);
}
