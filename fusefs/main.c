/* zwyfs: mounts, runs the loop, unmounts. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount.h"

#define REQUESTS_PER_TURN    64
#define INIT_FLAGS_AT        12 /* in struct fuse_init_out of linux/fuse.h */
#define INIT_PARALLEL_DIROPS (UINT32_C(1) << 18)

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Milliseconds that epoll may sleep. */
static int
sleep_time(struct mount *m)
{
	int64_t now = now_ms(), earliest = ops_give_up(m, now);
	earliest = sooner(earliest, watch_check(&m->watch, now));
	for (struct caller *c = m->callers; c; c = c->next) {
		earliest = sooner(earliest, watch_check(&c->watch, now));
		earliest = sooner(earliest, watch_check(&c->events.watch, now));
	}
	earliest = sooner(earliest, keep_retry(m, now));
	earliest = sooner(earliest, ask_unknown(m, now));
	earliest = sooner(earliest, ops_wake(m, now));
	int client = zwy_client_timeout(m->client);
	int64_t wait = earliest == INT64_MAX ? -1 : earliest > now ? earliest - now : 0;
	if (client >= 0 && (wait < 0 || client < wait))
		wait = client;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* 0, or the errno that ends the mount. */
static int
take_requests(struct mount *m, struct fuse_buf *buffer)
{
	for (int i = 0; i < REQUESTS_PER_TURN && !fuse_session_exited(m->session); i++) {
		int r = fuse_session_receive_buf(m->session, buffer);
		if (r == -EAGAIN || r == -EINTR)
			return 0;
		if (r <= 0)
			return r < 0 ? -r : ENODEV;
		fuse_session_process_buf(m->session, buffer);
	}
	return 0;
}

static int
loop(struct mount *m, int epoll)
{
	struct fuse_buf buffer = {0};
	struct epoll_event ready[2];
	int eno = 0;
	while (!eno && !fuse_session_exited(m->session)) {
		int n = epoll_wait(epoll, ready, 2, sleep_time(m));
		if (n < 0 && errno != EINTR)
			eno = errno;
		for (int i = 0; i < n && !eno; i++)
			if (ready[i].data.fd == fuse_session_fd(m->session))
				eno = take_requests(m, &buffer);
		zwy_client_process(m->client);
	}
	free(buffer.mem);
	return eno == ENODEV ? 0 : eno; /* unmounted */
}

static int
watch_fd(int epoll, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

int
mount_run(struct mount *m)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd = fuse_session_fd(m->session);
	int flags = fcntl(fd, F_GETFL);
	int eno = EIO;
	if (epoll >= 0 && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	    watch_fd(epoll, fd) == 0 && watch_fd(epoll, zwy_client_fd(m->client)) == 0) {
		watch_start(&m->watch, 0);
		eno = loop(m, epoll);
	}
	if (epoll >= 0)
		close(epoll);
	if (eno)
		fprintf(stderr, "zwyfs: %s\n", strerror(eno));
	return eno ? 1 : 0;
}

/* ---- mounting ----------------------------------------------------------- */

/* A mount whose daemon was killed stands in the way of the next. */
static void
clear_dead_mount(const char *mountpoint)
{
	/* stat() might be answered from the kernel's memory. */
	int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != ENOTCONN)
		return;
	if (umount2(mountpoint, MNT_DETACH) == 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-uzq", mountpoint, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static int
open_client(const struct mount *m, struct zwy_client **ret)
{
	struct zwy_options options = {.size = sizeof(options),
				      .as = m->options.as,
				      .user_agent = "zwyfs/" ZWY_VERSION,
				      .ca_file = m->options.ca_file,
				      .cert_file = m->options.cert_file,
				      .key_file = m->options.key_file,
				      .max_message = 64u << 20,
				      /* A watch speaks all the time: who does not is gone. */
				      .keepalive_ms = 4 * (int64_t)m->options.heartbeat_ms,
				      .keepalive_timeout_ms = 4 * (int64_t)m->options.heartbeat_ms};
	struct zwy_error error;
	int r = zwy_client_new(ret, m->options.target, &options, &error);
	if (r < 0)
		fprintf(stderr, "zwyfs: %s\n", error.text);
	return r;
}

/* nosuid, nodev, noexec whatever the caller says; the source shown is the target. */
static int
add_arguments(const struct mount *m, struct fuse_args *args)
{
	struct buf source = {0};
	buf_append_str(&source, "-osubtype=zwyfs,nosuid,nodev,noexec,fsname=");
	for (const char *p = m->options.target; *p; p++) {
		if (*p == ',' || *p == '\\')
			buf_append_char(&source, '\\');
		buf_append_char(&source, *p);
	}
	buf_append_char(&source, '\0');
	int r = source.error ? -1 : fuse_opt_add_arg(args, source.p);
	buf_release(&source);
	return r;
}

static void
release_all(struct mount *m)
{
	while (m->ops)
		op_error(m->ops, ENODEV);
	sends_free(m);
	questions_free(m);
	for (size_t i = 0; i < FRESH_COUNT; i++)
		content_unref(m->fresh[i].content);
	watch_stop(&m->watch);
	for (size_t i = 0; i < m->nodes.slot_count; i++)
		for (struct node *n = m->nodes.slots[i], *next; n; n = next) {
			next = n->next;
			n->refs++; /* handle_free drops the handle's own */
			while (n->handles)
				handle_free(m, n->handles);
			n->refs--;
		}
	for (struct caller *c = m->callers; c; c = c->next)
		keep_release_caller(c);
	nodes_release(&m->nodes);
	callers_free(m);
	zwy_client_free(m->client);
}

/* libfuse 3.14.0 asks for parallel lookups (FUSE_CAP_PARALLEL_DIROPS is wanted by default) and forgets to
 * tell the kernel, which then lets one lookup that waits for the server hold up, uninterruptibly, all others
 * in the same directory. The reply to INIT is the first thing that is written. */
static ssize_t
write_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	struct mount *m = userdata;
	if (!m->greeted && count == 2 && iov[1].iov_len >= INIT_FLAGS_AT + sizeof(uint32_t)) {
		uint32_t flags;
		char *at = (char *)iov[1].iov_base + INIT_FLAGS_AT;
		memcpy(&flags, at, sizeof(flags));
		flags |= INIT_PARALLEL_DIROPS;
		memcpy(at, &flags, sizeof(flags));
	}
	m->greeted = true;
	return writev(fd, iov, count);
}

static ssize_t
read_request(int fd, void *bytes, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, bytes, size);
}

/* 0 or an exit status. */
static int
serve(struct mount *m, struct fuse_args *args)
{
	int status = 1;
	m->session = fuse_session_new(args, &mount_ops, sizeof(mount_ops), m);
	if (!m->session) {
		release_all(m);
		return 2;
	}
	clear_dead_mount(m->options.mountpoint);
	if (fuse_set_signal_handlers(m->session) == 0) {
		if (fuse_session_mount(m->session, m->options.mountpoint) == 0) {
			static const struct fuse_custom_io io = {.writev = write_reply, .read = read_request};
			fuse_session_custom_io(m->session, &io, fuse_session_fd(m->session));
			if (fuse_daemonize(m->options.foreground) == 0 && open_client(m, &m->client) == 0)
				status = mount_run(m);
			fuse_session_unmount(m->session);
		}
		fuse_remove_signal_handlers(m->session);
	}
	release_all(m);
	fuse_session_destroy(m->session);
	return status;
}

static int
run(struct mount *m, struct fuse_args *args)
{
	struct zwy_client *probe = NULL;
	int r = open_client(m, &probe);
	zwy_client_free(probe);
	if (r < 0)
		return r == -ENOMEM ? 1 : 2;
	uint64_t secret;
	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret) || add_arguments(m, args) ||
	    nodes_init(&m->nodes, secret))
		return 1;
	m->uid = geteuid();
	m->gid = getegid();
	m->started = wall_ms();
	m->lag_ms = -1;
	keep_init(m);
	return serve(m, args);
}

int
main(int argc, char **argv)
{
	struct mount m = {0};
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int status = options_parse(&m.options, &args);
	if (!status && m.options.help)
		options_help(argv[0]);
	else if (!status && m.options.version)
		printf("zwyfs %s\n", ZWY_VERSION);
	else if (!status)
		status = run(&m, &args);
	options_release(&m.options);
	fuse_opt_free_args(&args);
	return status;
}
