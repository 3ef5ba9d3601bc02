/* The write protocol, step by step, without a file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "box.h"
#include "line.h"

#define REQUESTS "users/x/requests"
#define DRAFTS   "users/x/drafts"
#define WHOLE    "kind=regular\nsystem=portal\nsubmit\n"

static const struct box_limits limits = {
	.request = 1024, .file = 4096, .bytes = 8192, .files = 8, .results = 3};

static struct box *
new_box(void)
{
	struct box *b = box_new("principals/x", &limits);
	assert_non_null(b);
	return b;
}

static struct box_handle
create(struct box *b, const char *name)
{
	struct box_file *f;
	struct box_handle h;
	static uint64_t inode = 1;
	assert_int_equal(box_create(b, BOX_REQUESTS, SLICE(REQUESTS), slice_of(name), inode++, 1, &f), 0);
	assert_int_equal(box_open(&h, f, true, false), 0);
	box_file_unref(f);
	return h;
}

static struct box_handle
reopen(struct box *b, const char *name, bool truncate, bool append)
{
	struct box_handle h;
	struct box_file *f = box_find(b, SLICE(REQUESTS), slice_of(name));
	assert_non_null(f);
	assert_int_equal(box_open(&h, f, truncate, append), 0);
	return h;
}

static struct box_step
put(struct box_handle *h, uint64_t at, const char *text)
{
	return box_write(h, at, slice_of(text), 2);
}

static void
accept(struct box *b, struct box_handle *h, struct box_step step)
{
	struct box_result r = {.state = BOX_ACCEPTED};
	assert_int_equal(step.error_number, 0);
	assert_true(step.commit);
	snprintf(r.id, sizeof(r.id), "A-2026-000001");
	box_settle(b, slice_of(h->file->name), step.raw, &r);
	box_committed(h, 0);
}

static void
the_write_that_completes_asks_for_the_commit(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	struct box_step step = put(&h, 0, "kind=regular\n");
	assert_int_equal(step.error_number, 0);
	assert_false(step.commit);
	step = put(&h, 13, "system=portal\nsubmit\n");
	assert_true(step.commit);
	assert_true(slice_is(step.body, "kind=regular\nsystem=portal\n"));
	accept(b, &h, step);
	assert_int_equal(box_flush(&h).error_number, 0);
	assert_int_equal(box_sync(&h), 0);
	box_close(&h);
	box_free(b);
}

static void
a_flush_never_submits_and_reports_what_is_incomplete(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	assert_int_equal(box_flush(&h).error_number, 0); /* a shell flushes before it writes */
	put(&h, 0, "kind=regular\nsub");
	assert_int_equal(box_flush(&h).error_number, EBADMSG);
	assert_false(box_flush(&h).commit);
	assert_int_equal(box_sync(&h), EBADMSG);
	box_close(&h);
	box_free(b);
}

static void
what_is_incomplete_becomes_the_next_writers_draft(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	put(&h, 0, "kind=regular\n");
	box_close(&h);
	h = reopen(b, "a.req", false, true);
	struct box_step step = put(&h, 0, "submit\n"); /* O_APPEND: the offset does not count */
	assert_true(step.commit);
	assert_true(slice_is(step.raw, "kind=regular\nsubmit\n"));
	box_close(&h);
	box_free(b);
}

static void
two_writers_never_mix(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle one = create(b, "a.req"), two = reopen(b, "a.req", true, false);
	put(&one, 0, "kind=regular\n");
	put(&two, 0, "system=portal\n");
	assert_true(slice_is(box_bytes(&one), "kind=regular\n"));
	assert_true(slice_is(box_bytes(&two), "system=portal\n"));
	box_close(&one);
	box_close(&two);
	box_free(b);
}

static void
garbage_is_refused_at_once_and_leaves_the_buffer(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	put(&h, 0, "kind=regular\n");
	struct box_step step = put(&h, 13, "x=\xff\xfe\n");
	assert_int_equal(step.error_number, EBADMSG);
	assert_non_null(step.error);
	assert_true(slice_is(box_bytes(&h), "kind=regular\n"));
	step = put(&h, 13, "submit\nmore=1\n"); /* other bytes after submit in the same write */
	assert_int_equal(step.error_number, EBADMSG);
	assert_false(step.commit);
	box_close(&h);
	box_free(b);
}

/* `while read line; do echo "$line"; done > requests/a.req` goes on behind a line that was refused. */
static void
what_follows_refused_bytes_is_refused_too(void **state)
{
	(void)state;
	struct box *b = new_box();
	char big[2000];
	memset(big, '#', sizeof(big));
	struct box_handle h = create(b, "a.req");
	put(&h, 0, "kind=regular\n");
	assert_int_equal(put(&h, 13, "purpose=\xff\xfe\n").error_number, EBADMSG);
	struct box_step step = put(&h, 13, "system=portal\nsubmit\n");
	assert_int_equal(step.error_number, EBADMSG);
	assert_false(step.commit);
	assert_int_equal(box_truncate(h.file, &h, 0, 3), 0); /* begun anew */
	assert_true(put(&h, 0, WHOLE).commit);
	box_close(&h);
	h = create(b, "b.req");
	assert_int_equal(box_write(&h, 0, (struct slice){big, sizeof(big)}, 1).error_number, EFBIG);
	step = put(&h, 0, WHOLE);
	assert_int_equal(step.error_number, EFBIG);
	assert_false(step.commit);
	box_close(&h);
	/* nor may the next command add to it */
	h = reopen(b, "b.req", false, true);
	assert_int_equal(box_flush(&h).error_number, 0);
	assert_int_equal(put(&h, 0, WHOLE).error_number, EFBIG);
	assert_int_equal(box_flush(&h).error_number, EFBIG);
	box_close(&h);
	h = reopen(b, "b.req", true, false);
	assert_true(put(&h, 0, WHOLE).commit);
	box_close(&h);
	box_free(b);
}

/* `: > requests/a.req; echo kind=regular >> requests/a.req` */
static void
to_open_empty_forgets_the_draft_but_not_what_was_accepted(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	put(&h, 0, "kind=regular\n");
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	assert_int_equal(box_flush(&h).error_number, 0);
	box_close(&h);
	h = reopen(b, "a.req", false, true);
	assert_int_equal(box_bytes(&h).n, 0);
	accept(b, &h, put(&h, 0, WHOLE));
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	assert_int_equal(box_bytes(&h).n, 0);
	box_close(&h);
	h = reopen(b, "a.req", false, false);
	assert_true(slice_is(box_bytes(&h), WHOLE));
	box_close(&h);
	box_free(b);
}

static void
a_line_or_character_cut_at_a_writes_end_is_incomplete(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	const char *text = "purpose=财\nsubmit\n";
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		struct box_step step = box_write(&h, i, (struct slice){text + i, 1}, 2);
		assert_int_equal(step.error_number, 0);
		assert_int_equal(step.commit, i == n - 1);
	}
	box_close(&h);
	box_free(b);
}

static void
the_same_bytes_again_succeed_others_do_not(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, WHOLE));
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	struct box_step step = put(&h, 0, WHOLE);
	assert_int_equal(step.error_number, 0);
	assert_false(step.commit);
	assert_int_equal(box_flush(&h).error_number, 0);
	/* in pieces */
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	assert_int_equal(put(&h, 0, "kind=reg").error_number, 0);
	assert_int_equal(put(&h, 8, "ular\nsystem=portal\nsubmit\n").error_number, 0);
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	assert_int_equal(put(&h, 0, "kind=other\nsubmit\n").error_number, EEXIST);
	assert_int_equal(put(&h, 0, "kind=other\n").error_number, EEXIST);
	box_close(&h);
	/* what is there stays */
	h = reopen(b, "a.req", false, false);
	assert_true(slice_is(box_bytes(&h), WHOLE));
	box_close(&h);
	box_free(b);
}

static void
after_submit_only_blanks_and_comments_may_follow(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, WHOLE));
	uint64_t end = strlen(WHOLE);
	assert_int_equal(put(&h, end, "\n# thanks\n").error_number, 0);
	struct box_handle more = reopen(b, "a.req", false, true);
	assert_int_equal(put(&more, 0, "zone=internet\n").error_number, EEXIST);
	box_close(&more);
	box_close(&h);
	h = reopen(b, "a.req", false, false);
	assert_true(slice_is(box_bytes(&h), WHOLE "\n# thanks\n"));
	box_close(&h);
	box_free(b);
}

static void
a_refusal_can_be_mended_under_the_same_name(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_result r = {.state = BOX_REFUSED, .error_number = EDQUOT}, found;
	struct box_handle h = create(b, "a.req");
	struct box_step step = put(&h, 0, WHOLE);
	box_settle(b, SLICE("a.req"), step.raw, &r);
	box_committed(&h, EDQUOT);
	assert_int_equal(box_flush(&h).error_number, EDQUOT);
	assert_int_equal(box_sync(&h), EDQUOT);
	box_close(&h);
	h = reopen(b, "a.req", true, false);
	accept(b, &h, put(&h, 0, "kind=regular\nsubmit\n"));
	assert_true(box_result_find(b, SLICE("a.req"), &found));
	assert_int_equal(found.state, BOX_ACCEPTED);
	/* no later refusal takes that away */
	box_settle(b, SLICE("a.req"), (struct slice){0}, &r);
	box_result_find(b, SLICE("a.req"), &found);
	assert_int_equal(found.state, BOX_ACCEPTED);
	box_close(&h);
	box_free(b);
}

static void
of_another_history_the_server_judges_again(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_result line = {.state = BOX_ACCEPTED}, found;
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, WHOLE));
	box_close(&h);
	box_note(b, SLICE("new"), &line);
	box_doubt(b);
	assert_true(box_result_find(b, SLICE("a.req"), &found));
	assert_int_equal(found.state, BOX_UNKNOWN);
	assert_string_equal(found.record, "");
	assert_false(box_result_find(b, SLICE("new"), &found));
	h = reopen(b, "a.req", true, false);
	assert_true(put(&h, 0, WHOLE).commit);
	box_close(&h);
	box_free(b);
}

/* As rsync --inplace ends. */
static void
to_cut_a_request_to_the_length_that_it_has_changes_nothing(void **state)
{
	(void)state;
	static const char text[] = "kind=regular\nsubmit\n";
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, text));
	assert_int_equal(box_truncate(h.file, &h, sizeof(text) - 1, 3), 0);
	assert_int_equal(box_flush(&h).error_number, 0);
	assert_int_equal(box_truncate(h.file, &h, 3, 4), 0);
	assert_int_not_equal(box_flush(&h).error_number, 0);
	box_close(&h);
	box_free(b);
}

static void
an_unlinked_request_is_only_hidden(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_result found;
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, WHOLE));
	box_close(&h);
	box_unlink(box_find(b, SLICE(REQUESTS), SLICE("a.req")));
	assert_null(box_find(b, SLICE(REQUESTS), SLICE("a.req")));
	assert_true(box_result_find(b, SLICE("a.req"), &found));
	h = create(b, "a.req");
	assert_int_equal(put(&h, 0, WHOLE).error_number, 0);
	assert_int_equal(put(&h, 0, "kind=other\nsubmit\n").error_number, EEXIST);
	box_close(&h);
	box_free(b);
}

static struct box_file *
scratch(struct box *b, const char *name, const char *content)
{
	struct box_file *f;
	struct box_handle h;
	assert_int_equal(box_create(b, BOX_REQUESTS, SLICE(REQUESTS), slice_of(name), 77, 1, &f), 0);
	box_open(&h, f, false, false);
	assert_int_equal(put(&h, 0, content).error_number, 0);
	assert_int_equal(box_flush(&h).error_number, 0);
	box_close(&h);
	box_file_unref(f);
	return f;
}

static void
a_rename_onto_a_requests_name_commits(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_file *f = scratch(b, ".a.req.Ab12Cd", WHOLE);
	struct box_step step = box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req"));
	assert_true(step.commit);
	assert_int_equal(box_move(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req")), 0);
	assert_ptr_equal(box_find(b, SLICE(REQUESTS), SLICE("a.req")), f);
	f = scratch(b, "sedAb12Cd", "kind=regular\n");
	step = box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("b.req"));
	assert_int_equal(step.error_number, EBADMSG);
	box_free(b);
}

/* Nothing in drafts/ is ever submitted, and nothing changes what was accepted. */
static void
a_rename_while_open_changes_what_is_judged(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	struct box_file *f = h.file;
	put(&h, 0, "kind=regular\n");
	assert_int_equal(box_move(f, BOX_DRAFTS, SLICE(DRAFTS), SLICE("a")), 0);
	struct box_step step = put(&h, 13, "submit\n");
	assert_int_equal(step.error_number, 0);
	assert_false(step.commit);
	assert_int_equal(box_flush(&h).error_number, 0);
	assert_true(slice_is(buf_slice(&f->content), "kind=regular\nsubmit\n"));
	box_close(&h);
	assert_int_equal(box_open(&h, f, false, true), 0);
	step = box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("b.req"));
	assert_true(step.commit);
	assert_int_equal(box_move(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("b.req")), 0);
	accept(b, &h, step);
	assert_int_equal(put(&h, 0, "more=1\n").error_number, EEXIST);
	assert_int_equal(box_flush(&h).error_number, EEXIST);
	assert_true(slice_is(buf_slice(&f->content), "kind=regular\nsubmit\n"));
	box_close(&h);
	box_free(b);
}

static void
an_editor_may_put_back_what_it_moved_aside(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	put(&h, 0, "kind=regular\n"); /* an incomplete draft */
	box_close(&h);
	struct box_file *f = box_find(b, SLICE(REQUESTS), SLICE("a.req"));
	assert_int_equal(box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req~")).error_number, 0);
	box_move(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req~"));
	struct box_step step = box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req"));
	assert_int_equal(step.error_number, 0);
	assert_false(step.commit);
	box_free(b);
}

static void
an_accepted_request_keeps_its_name(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_handle h = create(b, "a.req");
	accept(b, &h, put(&h, 0, WHOLE));
	struct box_file *f = h.file;
	assert_int_equal(box_rename(f, BOX_REQUESTS, SLICE(REQUESTS), SLICE("b.req")).error_number, EPERM);
	struct box_file *other = scratch(b, "new", "kind=other\nsubmit\n");
	assert_int_equal(box_rename(other, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req")).error_number,
			 EEXIST);
	other = scratch(b, "same", WHOLE);
	struct box_step step = box_rename(other, BOX_REQUESTS, SLICE(REQUESTS), SLICE("a.req"));
	assert_int_equal(step.error_number, 0);
	assert_false(step.commit);
	box_close(&h);
	box_free(b);
}

static void
limits_are_kept(void **state)
{
	(void)state;
	struct box *b = new_box();
	char big[2000];
	struct box_file *f;
	memset(big, '#', sizeof(big));
	struct box_handle h = create(b, "a.req");
	assert_int_equal(box_write(&h, 0, (struct slice){big, sizeof(big)}, 1).error_number, EFBIG);
	assert_int_equal(box_write(&h, UINT64_MAX - 3, SLICE("abcd"), 1).error_number, EFBIG);
	box_close(&h);
	h = create(b, "scratch");
	assert_int_equal(box_write(&h, 4095, SLICE("ab"), 1).error_number, EFBIG);
	assert_int_equal(box_write(&h, 4095, SLICE("a"), 1).error_number, 0);
	assert_int_equal(box_bytes(&h).n, 4096);
	struct box_handle more = create(b, "scratch2"), third = create(b, "scratch3");
	assert_int_equal(box_write(&more, 4000, SLICE("a"), 1).error_number, 0);
	assert_int_equal(box_write(&third, 4000, SLICE("a"), 1).error_number, ENOSPC);
	box_close(&h);
	box_close(&more);
	box_close(&third);
	for (int i = 0; i < 4; i++) {
		char name[8];
		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(box_create(b, BOX_DRAFTS, SLICE(DRAFTS), slice_of(name), 1, 1, &f), 0);
		box_file_unref(f);
	}
	assert_int_equal(box_create(b, BOX_DRAFTS, SLICE(DRAFTS), SLICE("one-more"), 1, 1, &f), EBUSY);
	box_free(b);
}

static void
the_oldest_results_go_first_but_not_those_still_open(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_result r = {.state = BOX_UNKNOWN}, found;
	box_settle(b, SLICE("open.req"), SLICE("x"), &r);
	r.state = BOX_REFUSED;
	box_settle(b, SLICE("1.req"), SLICE("x"), &r);
	box_settle(b, SLICE("2.req"), SLICE("x"), &r);
	box_settle(b, SLICE("3.req"), SLICE("x"), &r);
	assert_true(box_result_find(b, SLICE("open.req"), &found));
	assert_false(box_result_find(b, SLICE("1.req"), &found));
	assert_true(box_result_find(b, SLICE("3.req"), &found));
	r.state = BOX_ACCEPTED;
	box_resolve(b, SLICE("open.req"), &r);
	box_result_find(b, SLICE("open.req"), &found);
	assert_int_equal(found.state, BOX_ACCEPTED);
	box_free(b);
}

static void
what_was_accepted_or_may_be_is_not_refused_by_what_is_written_over_it(void **state)
{
	(void)state;
	struct box *b = new_box();
	struct box_result accepted = {.state = BOX_ACCEPTED, .id = "A-2026-000001"},
			  unknown = {.state = BOX_UNKNOWN},
			  refused = {.state = BOX_REFUSED, .error_number = EBADMSG}, found;
	const struct slice name = SLICE("a.req"), bytes = SLICE("kind=regular\nsubmit\n"), none = SLICE("");
	box_settle(b, name, bytes, &unknown);
	/* By this mount, which cannot read it, and by a server that has no time. */
	box_settle(b, name, none, &refused);
	refused.error_number = EAGAIN;
	box_settle(b, name, bytes, &refused);
	assert_true(box_result_find(b, name, &found));
	assert_int_equal(found.state, BOX_UNKNOWN);
	/* It came to be known, and by which bytes is not remembered. */
	box_resolve(b, name, &accepted);
	refused.error_number = EBADMSG;
	box_settle(b, name, none, &refused);
	box_settle(b, name, bytes, &refused);
	box_settle(b, name, bytes, &unknown);
	box_result_find(b, name, &found);
	assert_int_equal(found.state, BOX_ACCEPTED);
	assert_string_equal(found.id, "A-2026-000001");
	/* Only the server knows that it was not. */
	box_settle(b, SLICE("b.req"), bytes, &unknown);
	box_settle(b, SLICE("b.req"), bytes, &refused);
	box_result_find(b, SLICE("b.req"), &found);
	assert_int_equal(found.state, BOX_REFUSED);
	box_free(b);
}

static void
only_a_whole_line_is_a_command(void **state)
{
	(void)state;
	struct line_file l = {0};
	struct slice data = SLICE("a=1\nb="), line;
	assert_int_equal(line_next(&l, &data, &line), 1);
	assert_true(slice_is(line, "a=1"));
	line_done(&l);
	assert_int_equal(line_next(&l, &data, &line), 0);
	assert_int_equal(l.rest.n, 2);
	data = SLICE("2\n");
	assert_int_equal(line_next(&l, &data, &line), 1);
	assert_true(slice_is(line, "b=2"));
	line_done(&l);
	assert_int_equal(l.rest.n, 0);
	buf_append_str(&l.answers, "A-2026-000001\n");
	char out[4];
	assert_int_equal(line_read(&l, out, 4), 4);
	assert_int_equal(l.answers.n, 10);
	line_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_write_that_completes_asks_for_the_commit),
		cmocka_unit_test(a_flush_never_submits_and_reports_what_is_incomplete),
		cmocka_unit_test(what_is_incomplete_becomes_the_next_writers_draft),
		cmocka_unit_test(two_writers_never_mix),
		cmocka_unit_test(garbage_is_refused_at_once_and_leaves_the_buffer),
		cmocka_unit_test(what_follows_refused_bytes_is_refused_too),
		cmocka_unit_test(to_open_empty_forgets_the_draft_but_not_what_was_accepted),
		cmocka_unit_test(a_line_or_character_cut_at_a_writes_end_is_incomplete),
		cmocka_unit_test(the_same_bytes_again_succeed_others_do_not),
		cmocka_unit_test(after_submit_only_blanks_and_comments_may_follow),
		cmocka_unit_test(a_refusal_can_be_mended_under_the_same_name),
		cmocka_unit_test(of_another_history_the_server_judges_again),
		cmocka_unit_test(to_cut_a_request_to_the_length_that_it_has_changes_nothing),
		cmocka_unit_test(an_unlinked_request_is_only_hidden),
		cmocka_unit_test(a_rename_onto_a_requests_name_commits),
		cmocka_unit_test(a_rename_while_open_changes_what_is_judged),
		cmocka_unit_test(an_editor_may_put_back_what_it_moved_aside),
		cmocka_unit_test(an_accepted_request_keeps_its_name),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(the_oldest_results_go_first_but_not_those_still_open),
		cmocka_unit_test(what_was_accepted_or_may_be_is_not_refused_by_what_is_written_over_it),
		cmocka_unit_test(only_a_whole_line_is_a_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
