#include <string.h>

#include "cli.h"

/* Events have names but are no records: their service has methods of its own. */
static const char event_collection[] = "audit";

static void
fill_events(struct subject *s)
{
	s->message = message_by_name(SLICE("zwy.v1.Event"));
	s->kind = NULL;
	s->get = "/zwy.v1.AuditService/GetEvent";
	s->list = "/zwy.v1.AuditService/ListEvents";
	s->act = NULL;
}

static const char *
path_of(const struct kind_desc *kind, enum verb verb)
{
	const struct method_desc *m = method_of(kind->kind, verb);
	return m ? m->path : NULL;
}

static void
fill_kind(struct subject *s, const struct kind_desc *kind)
{
	s->message = kind->message;
	s->kind = kind;
	s->get = path_of(kind, VERB_GET);
	s->list = path_of(kind, VERB_LIST);
	s->act = path_of(kind, VERB_ACT);
}

struct slice
last_segment(struct slice name)
{
	struct slice head;
	while (slice_cut(&name, '/', &head))
		;
	return name;
}

void
complete_name(char dst[NAME_MAX_BYTES], const char *text)
{
	unsigned year;
	uint64_t number;
	snprintf(dst, NAME_MAX_BYTES, "%s", text);
	for (size_t i = 0; i < kind_count; i++) {
		const struct kind_desc *kind = kind_table[i];
		if (kind->segment_count != 2 || kind->segments[1].prefix == '\0')
			continue;
		if (id_parse(slice_of(text), kind->segments[1].prefix, &year, &number) == 0)
			snprintf(dst, NAME_MAX_BYTES, "%s/%s", kind->collection, text);
	}
}

int
subject_of_name(struct cli *cli, struct subject *ret, const char *text)
{
	struct name name;
	struct fault f = {0};
	size_t n = strlen(event_collection);
	complete_name(ret->name, text);
	if (strncmp(ret->name, event_collection, n) == 0 && ret->name[n] == '/') {
		fill_events(ret);
		return EXIT_OK;
	}
	if (name_parse(&name, slice_of(ret->name), &f) != 0)
		return tell_fault(cli, &f);
	fill_kind(ret, name.kind);
	return EXIT_OK;
}

/* The name up to its last variable given: what a list calls its parent. */
static void
parent_of(char dst[NAME_MAX_BYTES], const struct name *name, const char *text)
{
	size_t n = 0;
	if (name->var_count) {
		struct slice last = name->vars[name->var_count - 1];
		n = (size_t)(last.p + last.n - text);
	}
	snprintf(dst, NAME_MAX_BYTES, "%.*s", (int)n, text);
}

int
subject_of_collection(struct cli *cli, struct subject *ret, const char *text)
{
	struct name name;
	struct fault f = {0};
	char whole[NAME_MAX_BYTES];
	complete_name(whole, text);
	size_t n = strlen(whole);
	while (n > 1 && whole[n - 1] == '/')
		whole[--n] = '\0';
	ret->name[0] = '\0';
	if (strcmp(whole, event_collection) == 0) {
		fill_events(ret);
		return EXIT_OK;
	}
	if (name_parse_collection(&name, slice_of(whole), &f) != 0)
		return tell_fault(cli, &f);
	parent_of(ret->name, &name, whole);
	fill_kind(ret, name.kind);
	if (!ret->list)
		return tell_code(cli, ERR_UNIMPLEMENTED, "%s cannot be listed", text);
	return EXIT_OK;
}

bool
number_of(const char *text, uint64_t max, uint64_t *ret)
{
	return slice_to_u64(slice_of(text), ret) && *ret <= max;
}
