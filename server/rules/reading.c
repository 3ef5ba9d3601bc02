/* What a meter showed, as a form says it (Articles 15 and 17). */
#include "rules/workflow.h"

#define DIMENSION_QUANTITY "quantity"

static bool
counts_by(const zwy_v1_Service *service, const char *dimension)
{
	if (!service || text_is(dimension, DIMENSION_QUANTITY))
		return true;
	for (size_t i = 0; i < service->dimensions_count; i++)
		if (text_is(service->dimensions[i].name, dimension))
			return true;
	return false;
}

/* "quantity, vcpu or gib" would be long: blanks between. */
static const char *
dimensions_text(const zwy_v1_Service *service, char *dst, size_t size)
{
	snprintf(dst, size, "%s", DIMENSION_QUANTITY);
	for (size_t i = 0; service && i < service->dimensions_count; i++)
		list_add(dst, size, " ", text_of(service->dimensions[i].name));
	return dst;
}

/* One figure; added to the reading if it is in order. */
static void
add_figure(struct slice word, const zwy_v1_Service *service, struct arena *arena, zwy_v1_Reading *ret,
	   struct fault *f)
{
	struct slice value = word, name;
	uint64_t n;
	char list[160];
	if (!slice_cut(&value, '=', &name) || name.n == 0 || !slice_to_u64(value, &n)) {
		fault_add(f, ERR_INVALID_FIELD, "reading", "`%.*s` is no figure; write e.g. vcpu=12",
			  (int)(word.n < 40 ? word.n : 40), word.p);
		return;
	}
	const char *dimension = arena_dup_slice(arena, name);
	if (!dimension)
		return; /* arena.failed says so */
	if (!counts_by(service, dimension)) {
		fault_add(f, ERR_INVALID_FIELD, "reading", "%.63s is not counted by %.40s; by: %s",
			  name_slug(service->name), dimension, dimensions_text(service, list, sizeof(list)));
		return;
	}
	for (size_t i = 0; i < ret->figures_count; i++)
		if (text_is(ret->figures[i].key, dimension)) {
			fault_add(f, ERR_INVALID_FIELD, "reading", "%.40s is given twice", dimension);
			return;
		}
	ret->figures[ret->figures_count++] = (zwy_v1_Reading_FiguresEntry){
		.key = (char *)dimension,
		.value = arena_printf(arena, "%llu", (unsigned long long)n),
	};
}

int
reading_parse(const char *text, const zwy_v1_Service *service, struct arena *arena, zwy_v1_Reading *ret,
	      struct fault *f)
{
	struct slice rest = slice_of(text_of(text)), word;
	size_t room = 1;
	for (const char *c = text_of(text); *c; c++)
		room += *c == '=';
	zwy_v1_Reading reading = {.figures = arena_array(arena, room, sizeof(*reading.figures))};
	if (!reading.figures)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	fault_clear(f);
	for (bool more = true; more;) {
		more = slice_cut(&rest, ' ', &word);
		word = slice_trim(more ? word : rest);
		if (word.n)
			add_figure(word, service, arena, &reading, f);
	}
	if (arena->failed)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (!f->code && reading.figures_count == 0)
		fault_add(f, ERR_INVALID_FIELD, "reading", "the reading has no figure; write e.g. vcpu=12");
	fault_summarise(f);
	if (f->code)
		return f->code;
	ret->figures = reading.figures;
	ret->figures_count = reading.figures_count;
	return 0;
}

int
reading_of_form(const struct work *w, zwy_v1_Reading *ret, struct fault *f)
{
	const zwy_v1_Resource *r = w->facts->resource;
	const struct resource_facts *about = r ? facts_resource(w->facts, r->name) : NULL;
	const char *text = form_value(w->act, "reading");
	if (text_blank(text))
		return 0;
	int rc = reading_parse(text, about ? about->service : NULL, w->arena, ret, f);
	if (rc)
		snprintf(f->article, sizeof(f->article), "%s", w->process->article);
	return rc;
}

int
work_reading(struct work *w, const char *action, struct fault *f)
{
	zwy_v1_Reading reading = {0};
	int rc = reading_of_form(w, &reading, f);
	if (rc || reading.figures_count == 0)
		return rc;
	zwy_v1_Resource *r = work_resource(w, w->facts->resource, action, w->process->article);
	if (!r)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	reading.has_time = true;
	reading.time = stamp_of(w->facts->now);
	reading.reader = arena_strdup(w->arena, text_of(w->facts->actor->principal));
	r->has_reading = true;
	r->reading = reading;
	return 0;
}
