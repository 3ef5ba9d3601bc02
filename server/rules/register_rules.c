#include "rules/register_rules.h"

#include "zwy/v1/organisation.pb.h"

int
register_guard_none(const struct register_work *w, struct fault *f)
{
	(void)w;
	(void)f;
	return 0;
}

int
register_effect_none(struct register_work *w, struct fault *f)
{
	(void)w;
	(void)f;
	return 0;
}

int
register_effect_stop(struct register_work *w, struct fault *f)
{
	(void)f;
	register_stop_clocks(w);
	return 0;
}

/* ---- Article 5: exemptions ----------------------------------------------------------- */

static const char *
follow_exemption(const void *record, void *linked)
{
	const zwy_v1_Exemption *e = record;
	zwy_v1_System *system = linked;
	system->exempt = text_is(e->state, "confirmed");
	system->exemption = e->name;
	return system->exempt ? "exempt" : "claim_exemption";
}

const struct register_link exempt_system_link = {
	.collection = "systems",
	.reference = offsetof(zwy_v1_Exemption, system),
	.fields = zwy_v1_System_fields,
	.size = sizeof(zwy_v1_System),
	.article = "5",
	.follow = follow_exemption,
};

/* ---- Article 6: legacy clouds --------------------------------------------------------- */

int
register_guard_not_own(const struct register_work *w, struct fault *f)
{
	const zwy_v1_LegacyCloud *cloud = w->before;
	if (!cloud->exempted)
		return 0;
	return fault_set_article(f, ERR_WRONG_STATE, "6",
				 "%.63s is the competent authority's own: Article 6 does not freeze it",
				 name_slug(cloud->name));
}

int
register_effect_end_lease(struct register_work *w, struct fault *f)
{
	zwy_v1_LegacyCloud *cloud = w->after;
	if (text_is(cloud->tenure, "leased"))
		cloud->lease = arena_strdup(w->arena, "ended");
	return register_effect_stop(w, f);
}
