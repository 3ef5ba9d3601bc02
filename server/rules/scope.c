/* Exemptions, legacy clouds, exchanges and guidance: how they are made and changed
 * (Articles 4, 5, 6 and 9). What happens to them afterwards is in registers.def. */
#include "rules/records.h"
#include "rules/register_rules.h"

static int
finish(const struct arena *arena, struct fault *f)
{
	return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
}

static int
check_text(const char *value, const char *field, const char *article, const char *what, struct fault *f)
{
	if (!text_blank(value))
		return 0;
	return fault_set_article(f, ERR_FIELD_MISSING, article, "%s is missing: %s", field, what);
}

static int
check_date(const char *value, const char *field, const char *article, day *ret, struct fault *f)
{
	if (date_parse(slice_of(text_of(value)), ret))
		return 0;
	return fault_set_article(f, text_of(value)[0] ? ERR_INVALID_FIELD : ERR_FIELD_MISSING, article,
				 "%s is `%.20s`; write its last day as YYYY-MM-DD", field, text_of(value));
}

/* What was handed in may be written anew only as long as nobody has decided on it. */
static int
check_open(enum kind kind, const char *name, const char *state, const char *article, struct fault *f)
{
	if (text_is(state, register_first_state(kind)))
		return 0;
	return fault_set_article(f, ERR_WRONG_STATE, article, "%.80s is %s; it cannot be changed any more",
				 text_of(name), text_of(state));
}

/* ---- Article 5: exemptions ----------------------------------------------------------- */

static int
check_exemption(const struct scope_facts *facts, const zwy_v1_Exemption *before,
		const zwy_v1_Exemption *asked, struct fault *f)
{
	const char *slug = reference_slug("systems", asked->system);
	int r = record_name_check("exemptions/", asked->name, f);
	if (r == 0 && before)
		r = check_open(KIND_EXEMPTION, before->name, before->state, "5", f);
	if (r == 0)
		r = check_text(slug, "system", "5", "the slug of the information system", f);
	if (r == 0 && !facts->system)
		r = fault_set(f, ERR_UNKNOWN_SYSTEM, "there is no information system %.63s", slug);
	if (r == 0)
		r = department_check(facts->actor, facts->system->department, "claiming an exemption", f);
	if (r == 0 && before && !text_is(before->system, slug))
		r = fault_set_article(f, ERR_INVALID_FIELD, "5", "%.80s is about %.63s and stays so",
				      text_of(before->name), text_of(before->system));
	if (r == 0 && !before && facts->earlier && !text_is(facts->earlier->state, "refused"))
		r = fault_set_article(f, ERR_WRONG_STATE, "5", "%.63s has %.80s already: it is %s", slug,
				      text_of(facts->earlier->name), text_of(facts->earlier->state));
	if (r == 0)
		r = check_text(asked->basis, "basis", "5",
			       "the law, regulation or policy that says that the cloud does not suit it", f);
	if (r == 0 && !document_digest(asked->document))
		r = fault_set_article(f, ERR_DOCUMENT_MISSING, "5",
				      "document is `%.60s`; write the basis as FILENAME sha256: and 64 lower "
				      "case hexadecimal digits",
				      text_of(asked->document));
	return r;
}

int
exemption_rule(const struct scope_facts *facts, const zwy_v1_Exemption *before, const zwy_v1_Exemption *asked,
	       struct arena *arena, zwy_v1_Exemption *ret, struct fault *f)
{
	const struct register_desc *desc = register_find(KIND_EXEMPTION);
	zwy_v1_Exemption e = *asked;
	int r = role_check(facts->actor, DU_BIT, "claiming an exemption", "5", f);
	if (r == 0)
		r = check_exemption(facts, before, asked, f);
	if (r)
		return r;
	e.state = arena_strdup(arena,
			       facts->actor->is_system ? "confirmed" : register_first_state(KIND_EXEMPTION));
	e.system = arena_strdup(arena, name_slug(facts->system->name));
	e.department = arena_strdup(arena, text_of(facts->system->department));
	e.node = arena_strdup(arena, text_of(facts->system->node));
	e.submitters = before ? before->submitters : NULL;
	e.submitters_count = before ? before->submitters_count : 0;
	e.has_last_action = false;
	r = register_hand_in(desc, facts->actor, arena, &e, f);
	r = r ? r : finish(arena, f);
	if (r == 0)
		*ret = e;
	return r;
}

/* ---- Article 6: legacy clouds --------------------------------------------------------- */

/* The owner, or the competent authority of its node. */
static int
check_keeper(const struct scope_facts *facts, struct fault *f)
{
	const struct actor *a = facts->actor;
	struct fault own = {0};
	int r = role_check(a, DU_BIT | CA_BIT, "keeping the register of legacy clouds", "6", f);
	if (r || a->is_system)
		return r;
	if (actor_has(a, CA_BIT) && node_check(a, facts->node, &own) == 0)
		return 0;
	if (actor_has(a, DU_BIT))
		return department_check(a, name_slug(facts->department->name), "keeping its legacy clouds",
					f);
	return node_check(a, facts->node, f);
}

static int
check_cloud(const struct scope_facts *facts, const zwy_v1_LegacyCloud *asked, day *ret_end, struct fault *f)
{
	const char *slug = reference_slug("departments", asked->department);
	int r = record_name_check("legacy-clouds/", asked->name, f);
	if (r == 0)
		r = check_text(slug, "department", "6", "the slug of the owner", f);
	if (r == 0 && !facts->department)
		r = fault_set_article(f, ERR_INVALID_FIELD, "6", "there is no department %.63s", slug);
	if (r == 0 && !facts->node)
		r = fault_set(f, ERR_NODE_MISMATCH, "no node serves %.63s", slug);
	if (r == 0)
		r = check_keeper(facts, f);
	if (r == 0)
		r = check_text(asked->name_zh, "name-zh", "6", "what the cloud is called", f);
	if (r == 0 && !text_is(asked->tenure, "owned") && !text_is(asked->tenure, "leased"))
		r = fault_set_article(f, ERR_INVALID_FIELD, "6", "tenure is `%.20s`; allowed: owned, leased",
				      text_of(asked->tenure));
	return r ? r : check_date(asked->end_date, "end-date", "6", ret_end, f);
}

static void
check_growth(const char *field, uint64_t was, uint64_t asked, struct fault *f)
{
	if (asked > was)
		fault_add(f, ERR_CLOUD_FROZEN, field,
			  "%s would grow from %llu to %llu: no expansion (不再扩容)", field,
			  (unsigned long long)was, (unsigned long long)asked);
}

/* Everything by which it would become more, or last longer, than it was registered. */
static int
check_frozen(const zwy_v1_LegacyCloud *before, const zwy_v1_LegacyCloud *asked, struct fault *f)
{
	fault_clear(f);
	check_growth("vcpu", before->vcpu, asked->vcpu, f);
	check_growth("memory-gib", before->memory_gib, asked->memory_gib, f);
	check_growth("storage-gib", before->storage_gib, asked->storage_gib, f);
	if (!text_is(before->platform, asked->platform))
		fault_add(f, ERR_CLOUD_FROZEN, "platform",
			  "platform is `%.60s` and stays so: no upgrade (不再升级)",
			  text_of(before->platform));
	if (strcmp(text_of(asked->end_date), text_of(before->end_date)) > 0)
		fault_add(f, ERR_CLOUD_FROZEN, "end-date", "it ends on %s: %s", text_of(before->end_date),
			  text_is(before->tenure, "leased") ? "the lease is not renewed (不再续租)"
							    : "its life is not extended (自然淘汰)");
	fault_summarise(f);
	return f->code;
}

static int
check_cloud_change(const zwy_v1_LegacyCloud *before, const zwy_v1_LegacyCloud *asked, bool exempted,
		   struct fault *f)
{
	if (text_is(before->state, "retiring") || text_is(before->state, "retired"))
		return fault_set_article(f, ERR_WRONG_STATE, "6",
					 "%.80s is %s; it cannot be changed any more", text_of(before->name),
					 text_of(before->state));
	if (!text_is(before->department, reference_slug("departments", asked->department)) ||
	    !text_is(before->tenure, asked->tenure))
		return fault_set_article(f, ERR_INVALID_FIELD, "6",
					 "department and tenure of %.80s are fixed", text_of(before->name));
	return exempted ? 0 : check_frozen(before, asked, f);
}

/* The day of its end as a clock: the due index retires it. */
static void
start_end_clock(zwy_v1_LegacyCloud *cloud, day end, const zwy_v1_Node *node, msec now, struct arena *arena)
{
	const char *term = text_is(cloud->tenure, "leased") ? "lease" : "life";
	cloud->clocks = register_clock_new(term, "6", end, node, now, arena);
	cloud->clocks_count = cloud->clocks ? 1 : 0;
}

int
legacy_cloud_rule(const struct scope_facts *facts, const zwy_v1_LegacyCloud *before,
		  const zwy_v1_LegacyCloud *asked, struct arena *arena, zwy_v1_LegacyCloud *ret,
		  struct fault *f)
{
	zwy_v1_LegacyCloud cloud = *asked;
	day end;
	int r = check_cloud(facts, asked, &end, f);
	if (r)
		return r;
	const char *owner = name_slug(facts->department->name);
	cloud.exempted = text_is(facts->node->competent_authority, owner);
	if (before && (r = check_cloud_change(before, asked, cloud.exempted, f)) != 0)
		return r;
	const zwy_v1_LegacyCloud none = {0}, *was = before ? before : &none;
	cloud.department = arena_strdup(arena, owner);
	cloud.node = arena_strdup(arena, name_slug(facts->node->name));
	cloud.state = before ? before->state : arena_strdup(arena, register_first_state(KIND_LEGACY_CLOUD));
	cloud.lease =
		before ? before->lease : arena_strdup(arena, text_is(cloud.tenure, "leased") ? "active" : "");
	cloud.submitters = was->submitters;
	cloud.submitters_count = was->submitters_count;
	cloud.has_last_action = was->has_last_action;
	cloud.last_action = was->last_action;
	cloud.clocks = was->clocks;
	cloud.clocks_count = was->clocks_count;
	if (!before || !text_is(before->end_date, asked->end_date))
		start_end_clock(&cloud, end, facts->node, facts->now, arena);
	if (!before)
		r = register_hand_in(register_find(KIND_LEGACY_CLOUD), facts->actor, arena, &cloud, f);
	r = r ? r : finish(arena, f);
	if (r == 0)
		*ret = cloud;
	return r;
}

/* ---- Article 9: exchange between the zones --------------------------------------------- */

static int
check_ends(const struct scope_facts *facts, const zwy_v1_Exchange *asked, struct fault *f)
{
	const char *from = reference_slug("systems", asked->from_system);
	const char *to = reference_slug("systems", asked->to_system);
	if (!facts->system)
		return fault_set(f, ERR_UNKNOWN_SYSTEM, "from-system: there is no information system `%.63s`",
				 from);
	if (!facts->to_system)
		return fault_set(f, ERR_UNKNOWN_SYSTEM, "to-system: there is no information system `%.63s`",
				 to);
	if (!text_is(facts->system->node, facts->to_system->node))
		return fault_set_article(
			f, ERR_INVALID_FIELD, "9",
			"%.63s lies at %.63s, %.63s at %.63s; an exchange joins the zones of "
			"one node",
			from, text_of(facts->system->node), to, text_of(facts->to_system->node));
	if (asked->from_zone == zwy_v1_ZONE_UNSPECIFIED || asked->to_zone == zwy_v1_ZONE_UNSPECIFIED)
		return fault_set_article(f, ERR_FIELD_MISSING, "9",
					 "from-zone or to-zone is missing: extranet (政务外网区) or internet "
					 "(互联网区)");
	if (asked->from_zone == asked->to_zone)
		return fault_set_article(f, ERR_INVALID_FIELD, "9",
					 "both ends lie in one zone: that needs no exchange");
	return 0;
}

static int
check_exchange(const struct scope_facts *facts, const zwy_v1_Exchange *before, const zwy_v1_Exchange *asked,
	       struct fault *f)
{
	day last = 0;
	int r = record_name_check("exchanges/", asked->name, f);
	if (r == 0 && before)
		r = check_open(KIND_EXCHANGE, before->name, before->state, "9", f);
	if (r == 0)
		r = check_ends(facts, asked, f);
	if (r == 0 && before)
		r = department_check(facts->actor, before->department, "changing the exchange", f);
	if (r == 0)
		r = department_check(facts->actor, facts->system->department, "requesting its exchange", f);
	if (r == 0)
		r = check_text(asked->purpose, "purpose", "9", "what is exchanged, and how it is isolated",
			       f);
	if (r == 0)
		r = check_date(asked->valid_until, "valid-until", "9", &last, f);
	if (r == 0 && last < day_of(facts->now))
		r = fault_set_article(f, ERR_INVALID_FIELD, "9", "valid-until %s has passed",
				      asked->valid_until);
	return r;
}

int
exchange_rule(const struct scope_facts *facts, const zwy_v1_Exchange *before, const zwy_v1_Exchange *asked,
	      struct arena *arena, zwy_v1_Exchange *ret, struct fault *f)
{
	zwy_v1_Exchange e = *asked;
	int r = role_check(facts->actor, DU_BIT, "requesting an exchange", "9", f);
	if (r == 0)
		r = check_exchange(facts, before, asked, f);
	if (r)
		return r;
	e.state = arena_strdup(arena, register_first_state(KIND_EXCHANGE));
	e.from_system = arena_strdup(arena, name_slug(facts->system->name));
	e.to_system = arena_strdup(arena, name_slug(facts->to_system->name));
	e.department = arena_strdup(arena, text_of(facts->system->department));
	e.node = arena_strdup(arena, text_of(facts->system->node));
	e.submitters = before ? before->submitters : NULL;
	e.submitters_count = before ? before->submitters_count : 0;
	e.has_last_action = false;
	r = register_hand_in(register_find(KIND_EXCHANGE), facts->actor, arena, &e, f);
	r = r ? r : finish(arena, f);
	if (r == 0)
		*ret = e;
	return r;
}

/* ---- Article 4: guidance ----------------------------------------------------------------- */

int
guidance_rule(const struct scope_facts *facts, const zwy_v1_Guidance *before, const zwy_v1_Guidance *asked,
	      struct arena *arena, zwy_v1_Guidance *ret, struct fault *f)
{
	const struct actor *a = facts->actor;
	zwy_v1_Guidance g = *asked;
	int r = role_check(a, OP_BIT, "guiding the cities", "4", f);
	if (r == 0 && !a->is_system && a->level != zwy_v1_LEVEL_PROVINCE)
		r = fault_set(
			f, ERR_WRONG_JURISDICTION,
			"guiding the cities is for the province's operator; %.80s acts for region %.12s",
			text_of(a->principal), text_of(a->region));
	if (r == 0)
		r = record_name_check("guidance/", asked->name, f);
	if (r == 0 && before)
		r = fault_set_article(f, ERR_WRONG_STATE, "4", "a note is not changed; write another one");
	if (r == 0 && !facts->node)
		r = fault_set_article(f, ERR_INVALID_FIELD, "4",
				      "about is `%.80s`; name a record that lies at a city's node, with its "
				      "collection",
				      text_of(asked->about));
	if (r == 0 && text_is(facts->node->kind, "core"))
		r = fault_set_article(
			f, ERR_INVALID_FIELD, "4",
			"%.80s lies at the core node, which the province's operator runs itself",
			text_of(asked->about));
	if (r == 0)
		r = check_text(asked->text, "text", "4", "what is to be said", f);
	if (r)
		return r;
	g.author = arena_strdup(arena, text_of(a->principal));
	g.department = arena_strdup(arena, text_of(facts->about_department));
	g.node = arena_strdup(arena, name_slug(facts->node->name));
	r = finish(arena, f);
	if (r == 0)
		*ret = g;
	return r;
}
