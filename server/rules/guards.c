/* What a step needs beside its state, its role and its form. */
#include "rules/workflow.h"

int
guard_none(const struct work *w, struct fault *f)
{
	(void)w;
	(void)f;
	return 0;
}

bool
guard_is_early(guard_fn guard)
{
	static const guard_fn early[] = {guard_return_once, guard_preserved, guard_change_start};
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++)
		if (early[i] == guard)
			return true;
	return false;
}

int
guard_submit(const struct work *w, struct fault *f)
{
	return application_check(w->facts, &w->out->application, STAGE_SUBMIT, 0, f);
}

int
guard_resubmit(const struct work *w, struct fault *f)
{
	return application_check(w->facts, &w->out->application, STAGE_RESUBMIT, 0, f);
}

int
guard_return_once(const struct work *w, struct fault *f)
{
	if (w->before->supplements == 0)
		return 0;
	return fault_set(f, ERR_ALREADY_RETURNED,
			 "it was returned for completion before; accept it or refuse to accept it (accept, "
			 "refuse_accept)");
}

int
guard_opinion_there(const struct work *w, struct fault *f)
{
	const zwy_v1_Opinion *o = &w->before->opinion;
	if (w->before->has_opinion && !text_blank(o->result) && !text_blank(o->complexity) &&
	    !text_blank(o->configuration) && !text_blank(o->architecture))
		return 0;
	return fault_set(f, ERR_OPINION_MISSING,
			 "there is no complete opinion of the operator: result, complexity, configuration, "
			 "architecture");
}

int
guard_recheck(const struct work *w, struct fault *f)
{
	return application_check(w->facts, &w->out->application, STAGE_APPROVE, 0, f);
}

/* Articles 11 and 13: what was true at submission must still be. */
int
guard_approve(const struct work *w, struct fault *f)
{
	int r = guard_opinion_there(w, f);
	if (r)
		return r;
	if (text_is(w->before->opinion.result, "fail")) {
		if (!w->facts->parameters->number[PARAM_APPROVE_OVER_NEGATIVE])
			return fault_set(f, ERR_NEGATIVE_OPINION,
					 "the operator's opinion is negative; reject it, or have "
					 "approve.over_negative allow approving against it");
		if (text_blank(w->comment))
			return fault_set_article(
				f, ERR_FORM_INCOMPLETE, "13",
				"approving against a negative opinion needs a comment, which is published");
	}
	return application_check(w->facts, &w->out->application, STAGE_APPROVE, 0, f);
}

int
guard_reject(const struct work *w, struct fault *f)
{
	int r = guard_opinion_there(w, f);
	if (r)
		return r;
	if (text_blank(w->comment))
		return fault_set_article(f, ERR_FORM_INCOMPLETE, "13",
					 "a rejection needs a comment that says why");
	return 0;
}

int
guard_comment(const struct work *w, struct fault *f)
{
	if (!text_blank(w->comment))
		return 0;
	return fault_set_article(f, ERR_FORM_INCOMPLETE, w->process->article,
				 "this result needs a comment that says why");
}
