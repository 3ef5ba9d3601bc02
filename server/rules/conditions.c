#include "rules/workflow.h"

static bool
condition_all_left(const struct work *w)
{
	const zwy_v1_Application *a = &w->out->application;
	for (size_t i = 0; i < w->facts->resource_count; i++) {
		const zwy_v1_Resource *r = work_now(w, w->facts->resources[i].resource);
		if (text_is(r->application, a->name) && !text_is(r->state, "reclaimed"))
			return false;
	}
	return true;
}

static bool
condition_forced(const struct work *w)
{
	return reclaim_forced(&w->out->application);
}

static bool
condition_unconsented(const struct work *w)
{
	const zwy_v1_Application *a = &w->out->application;
	return reclaim_forced(a) && !a->reclaim.has_consent_time;
}

/* What a term that has ended brings about can only be carried out. */
static bool
condition_revocable(const struct work *w)
{
	const zwy_v1_Application *a = &w->out->application;
	return !a->has_reclaim || a->reclaim.origin != zwy_v1_RECLAIM_ORIGIN_EXPIRY;
}

static size_t
said_nothing(const struct work *w, const char **ret, size_t room)
{
	(void)w;
	(void)ret;
	(void)room;
	return 0;
}

/* A reclaim that was handed in says until when nothing is lost. */
static size_t
said_kept(const struct work *w, const char **ret, size_t room)
{
	const zwy_v1_Application *a = &w->out->application;
	if (room == 0 || text_blank(a->reclaim.preserve_until))
		return 0;
	ret[0] = arena_printf(w->arena,
			      "the data of %s are kept for %s through %s; only then, or once the department "
			      "consents, is the reclaim completed",
			      text_of(a->resource), text_of(a->department), a->reclaim.preserve_until);
	return ret[0] != NULL;
}

static const struct condition {
	const char *name;
	bool (*holds)(const struct work *w);
	size_t (*said)(const struct work *w, const char **ret, size_t room);
} conditions[] = {
#define CONDITION(name, said, text) {#name, condition_##name, said_##said},
#include "rules/conditions.def"
#undef CONDITION
};

static const struct condition *
condition_find(const char *name)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++)
		if (text_is(conditions[i].name, name))
			return &conditions[i];
	return NULL;
}

bool
condition_holds(const struct work *w, const char *name)
{
	const struct condition *c = condition_find(name);
	return c && c->holds(w);
}

size_t
condition_said(const struct work *w, const char *name, const char **ret, size_t room)
{
	const struct condition *c = condition_find(name);
	return c ? c->said(w, ret, room) : 0;
}
