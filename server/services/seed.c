#include "services/seed.h"

#include "csv.h"
#include "data/data.h"
#include "rules/articles.h"
#include "server.h"
#include "services/records.h"
#include "wire.h"
#include "zwy/v1/parameter.pb.h"
#include "zwy/v1/rule.pb.h"

#define BOOTSTRAP "principals/bootstrap"

struct seeding {
	const char *collection;
	struct slice csv;
};

/* A CSV's columns as a mask: what it does not carry stays as it is. */
static void
mask_of_columns(struct field_mask *ret, const struct message_desc *m, const char *columns)
{
	struct slice rest = slice_of(columns), name;
	*ret = (struct field_mask){0};
	while (rest.n) {
		if (!slice_cut(&rest, ',', &name)) {
			name = rest;
			rest.n = 0;
		}
		const struct field_desc *field = field_by_name(m, name);
		if (field && field->number < sizeof(ret->bits))
			ret->bits[field->number] = true;
	}
}

static int
decide_seeding(struct job *j, struct txn *t, const struct rulebook *book)
{
	const struct seeding *seeding = j->request;
	struct fault *f = &j->command.fault;
	const struct kind_desc *kind = kind_by_collection(slice_of(seeding->collection));
	struct csv_reader *csv;
	struct put_request request = {.kind = kind};
	enum put_outcome outcome;
	int rc = csv_open(&csv, kind, seeding->csv, &j->messages.arena, f);
	if (rc != 0)
		return rc;
	mask_of_columns(&request.mask, kind->message, csv_mask(csv));
	for (;;) {
		struct buf record = {0};
		rc = csv_next(csv, &record, f);
		request.record = arena_copy(&j->messages.arena, buf_slice(&record));
		buf_release(&record);
		if (rc != 1)
			break;
		request.name = wire_string(request.record, 1);
		if ((rc = record_decide(j, t, book, &request, "import", &outcome)) != 0) {
			fault_prefix(f, "%.*s", (int)request.name.n, request.name.p);
			break;
		}
	}
	return rc;
}

static int
seed_collection(struct server *s, const char *collection, struct slice csv, struct fault *f)
{
	struct seeding seeding = {collection, csv};
	struct job *j = job_new(s, &system_actor);
	if (!j)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	j->decide = decide_seeding;
	j->request = &seeding;
	int rc = job_execute(j, f);
	if (rc != 0)
		fault_prefix(f, "initial %s", collection);
	return rc;
}

static int
decide_bootstrap(struct job *j, struct txn *t, const struct rulebook *book)
{
	enum put_outcome outcome;
	struct put_request request = {
		.kind = kind_by_number(KIND_PRINCIPAL),
		.name = SLICE(BOOTSTRAP),
	};
	zwy_v1_Principal principal = zwy_v1_Principal_init_zero;
	zwy_v1_Role roles[] = {zwy_v1_ROLE_ADM};
	principal.name = BOOTSTRAP;
	principal.display_name = "the owner of the store's directory";
	principal.roles = roles;
	principal.roles_count = 1;
	request.record = message_encode(&j->messages, zwy_v1_Principal_fields, &principal);
	return record_decide(j, t, book, &request, "create", &outcome);
}

static int
execute(struct server *s, int (*decide)(struct job *, struct txn *, const struct rulebook *), struct fault *f)
{
	struct job *j = job_new(s, &system_actor);
	if (!j)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	j->decide = decide;
	return job_execute(j, f);
}

int
seed_store(struct server *s, enum seed seed, struct fault *f)
{
	/* Later rows need what earlier ones make. */
	const struct seeding steps[] = {
		{"nodes", DATA_SLICE(data_nodes)},
		{"calendar", DATA_SLICE(data_workdays)},
		{"catalogue", DATA_SLICE(data_catalogue)},
		{"departments", DATA_SLICE(data_demo_departments)},
		{"nodes", DATA_SLICE(data_demo_nodes)},
		{"systems", DATA_SLICE(data_demo_systems)},
		{"exemptions", DATA_SLICE(data_demo_exemptions)},
		{"quotas", DATA_SLICE(data_demo_quotas)},
		{"principals", DATA_SLICE(data_demo_principals)},
		{"delegations", DATA_SLICE(data_demo_delegations)},
	};
	const size_t empty_steps = 3, demo_steps = sizeof(steps) / sizeof(steps[0]);
	int rc = seed_program_records(s, f);
	for (size_t i = 0; rc == 0 && i < (seed == SEED_DEMO ? demo_steps : empty_steps); i++)
		rc = seed_collection(s, steps[i].collection, steps[i].csv, f);
	return rc ? rc : execute(s, decide_bootstrap, f);
}

bool
seed_complete(struct server *s)
{
	struct name name;
	struct record record;
	return name_parse(&name, SLICE(BOOTSTRAP), NULL) == 0 &&
	       record_get(server_reader(s), &name, &record) == 0;
}

static int
decide_parameters(struct job *j, struct txn *t, const struct rulebook *book)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < parameter_count; i++) {
		const struct parameter_desc *p = &parameter_table[i];
		enum put_outcome outcome;
		zwy_v1_Parameter parameter = zwy_v1_Parameter_init_zero;
		parameter.value = (char *)p->default_value;
		/* The mask is empty: a value that somebody set stays, what describes it is the program's. */
		struct put_request request = {
			.kind = kind_by_number(KIND_PARAMETER),
			.name = slice_of(arena_printf(&j->messages.arena, "parameters/%s", p->key)),
			.record = message_encode(&j->messages, zwy_v1_Parameter_fields, &parameter),
		};
		rc = record_decide(j, t, book, &request, "import", &outcome);
	}
	return rc;
}

/* An article's record if it differs from what is stored. */
static int
put_rule(struct job *j, struct reader *r, const struct article *article)
{
	zwy_v1_Rule rule = zwy_v1_Rule_init_zero;
	struct arena *arena = &j->messages.arena;
	size_t n = 0;
	while (article->behaviour[n])
		n++;
	char *name = arena_printf(arena, "rules/%u", article->number);
	rule.title = (char *)article->title;
	rule.text = arena_dup_slice(arena, article_text(DATA_SLICE(data_regulation), article->number));
	rule.behaviour = (char **)article->behaviour;
	rule.behaviour_count = (pb_size_t)n;
	rule.regulation = REGULATION;
	if (!name || !rule.text)
		return fault_set(&j->command.fault, ERR_NO_MEMORY, "out of memory");
	struct fault none = {0};
	zwy_v1_Rule *before = JOB_READ(j, r, slice_of(name), zwy_v1_Rule, &none);
	if (before && slice_equal(message_encode_body(&j->messages, zwy_v1_Rule_fields, before),
				  message_encode_body(&j->messages, zwy_v1_Rule_fields, &rule)))
		return 0;
	struct job_event e = {.kind = "import", .action = before ? "update" : "create"};
	const struct put *put = JOB_PUT(j, name, zwy_v1_Rule, &rule);
	return put ? job_event(j, put, &e) : j->command.fault.code;
}

static int
decide_rules(struct job *j, struct txn *t, const struct rulebook *book)
{
	int rc = 0;
	(void)book;
	for (size_t i = 0; rc == 0 && i < article_count; i++)
		rc = put_rule(j, txn_reader(t), &article_table[i]);
	return rc;
}

int
seed_program_records(struct server *s, struct fault *f)
{
	int rc = execute(s, decide_parameters, f);
	return rc ? rc : execute(s, decide_rules, f);
}
