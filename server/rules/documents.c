#include "rules/workflow.h"

#define DIGEST_DIGITS 64

const struct document_type document_types[] = {
#define DOCUMENT(type, processes, article, name) {type, processes, article, name},
#include "rules/documents.def"
#undef DOCUMENT
};
const size_t document_type_count = sizeof(document_types) / sizeof(document_types[0]);

const char *
document_digest(const char *value)
{
	static const char mark[] = " sha256:";
	const char *at = NULL;
	for (const char *p = text_of(value); (p = strstr(p, mark)) != NULL; p++)
		at = p;
	if (!at || at == value)
		return NULL;
	const char *hex = at + sizeof(mark) - 1;
	return hex_decode(NULL, DIGEST_DIGITS / 2, slice_of(hex)) ? hex : NULL;
}

const char *
application_document(const zwy_v1_Application *a, const char *type)
{
	for (size_t i = 0; i < a->document_count; i++)
		if (text_is(a->document[i].key, type))
			return text_of(a->document[i].value);
	return NULL;
}

const struct document_facts *
uploaded_document(const struct facts *facts, const char *type)
{
	for (size_t i = 0; i < facts->document_count; i++)
		if (text_is(facts->documents[i].type, type))
			return &facts->documents[i];
	return NULL;
}

static bool
type_known(const char *type)
{
	for (size_t i = 0; i < document_type_count; i++)
		if (text_is(document_types[i].type, type))
			return true;
	return false;
}

/* "construction-plan, …": what may be written instead. */
static const char *
list_types(char *dst, size_t size)
{
	size_t n = 0;
	dst[0] = '\0';
	for (size_t i = 0; i < document_type_count && n < size; i++)
		n += (size_t)snprintf(dst + n, size - n, "%s%s", i ? " " : "", document_types[i].type);
	return dst;
}

static bool
given_before(const zwy_v1_Application *a, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (text_is(a->document[k].key, a->document[i].key))
			return true;
	return false;
}

static void
check_document_form(const zwy_v1_Application *a, size_t i, struct fault *f)
{
	const char *type = text_of(a->document[i].key);
	bool known = type_known(type), twice = given_before(a, i);
	const char *digest = document_digest(a->document[i].value);
	char field[80];
	if (known && digest && !twice)
		return;
	snprintf(field, sizeof(field), "document.%.63s", type);
	if (!known) {
		char list[256];
		fault_add(f, ERR_UNKNOWN_FIELD, field, "there is no document %.40s; types: %s", type,
			  list_types(list, sizeof(list)));
	}
	if (!digest)
		fault_add(f, ERR_INVALID_FIELD, field,
			  "%s is `%.60s`; write FILENAME sha256: and 64 lower case hexadecimal digits", field,
			  text_of(a->document[i].value));
	if (twice)
		fault_add(f, ERR_INVALID_FIELD, field, "%s is given twice", field);
}

static void
check_spec_form(const zwy_v1_Item *item, size_t number, struct fault *f)
{
	for (size_t i = 0; i < item->spec_count; i++) {
		char field[80];
		snprintf(field, sizeof(field), "items.%zu.spec.%.40s", number, text_of(item->spec[i].key));
		if (text_of(item->spec[i].key)[0] == '\0')
			fault_add(f, ERR_INVALID_FIELD, field, "%s has no name", field);
		for (size_t k = 0; k < i; k++)
			if (text_is(item->spec[k].key, item->spec[i].key))
				fault_add(f, ERR_INVALID_FIELD, field, "%s is given twice", field);
	}
}

int
check_forms(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	(void)facts;
	for (size_t i = 0; i < a->document_count; i++)
		check_document_form(a, i, f);
	for (size_t i = 0; i < a->items_count; i++)
		check_spec_form(&a->items[i], i + 1, f);
	return f->code;
}

int
check_digests(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	for (size_t i = 0; i < facts->document_count; i++) {
		const struct document_facts *body = &facts->documents[i];
		const char *value = application_document(a, body->type);
		const char *digest = value ? document_digest(value) : NULL;
		char field[80];
		snprintf(field, sizeof(field), "document.%.63s", body->type);
		if (value && digest && !text_is(digest, body->sha256))
			fault_add(f, ERR_DOCUMENT_MISMATCH, field,
				  "%.63s was announced with sha256:%.12s…, what was uploaded has "
				  "sha256:%.12s…: "
				  "upload the announced body or change %s",
				  body->type, digest, body->sha256, field);
	}
	return f->code;
}

int
check_documents(const struct facts *facts, const zwy_v1_Application *a, struct fault *f)
{
	const struct process *p = process_of(a->kind);
	for (size_t i = 0; i < document_type_count; i++) {
		const struct document_type *d = &document_types[i];
		char field[80];
		if (!p || !(d->processes & 1u << p->id) || application_document(a, d->type) ||
		    uploaded_document(facts, d->type))
			continue;
		snprintf(field, sizeof(field), "document.%s", d->type);
		fault_add(f, ERR_DOCUMENT_MISSING, field,
			  "%s (%s) is missing: upload it, or give %s=FILENAME sha256:HEX", d->type,
			  d->name_zh, field);
	}
	return f->code;
}

int
application_upload(const struct facts *facts, const zwy_v1_Application *before, const char *type,
		   const char *sha256, struct fault *f)
{
	struct work w = {.facts = facts, .before = before};
	int r = work_process(&w, before->kind, f);
	const struct process *p = w.process;
	if (r == 0)
		r = authority_check(facts, before->department, DU_BIT, "uploading a document", p->article, f);
	if (r)
		return r;
	if (!type_known(type)) {
		char list[256];
		return fault_set_article(f, ERR_INVALID_FIELD, p->article,
					 "there is no document %.63s; types: %s", text_of(type),
					 list_types(list, sizeof(list)));
	}
	const char *value = application_document(before, type);
	const char *digest = value ? document_digest(value) : NULL;
	const struct state *state = process_state(p, before->state);
	if (!state || state->final || (state->editing == EDIT_NOTHING && !digest)) {
		char list[128];
		return fault_set_article(f, ERR_WRONG_STATE, p->article,
					 "the application is %s: documents are added while it is %s",
					 text_of(before->state), process_editable(p, list, sizeof(list)));
	}
	if (digest && sha256 && !text_is(digest, sha256))
		return fault_set(f, ERR_DOCUMENT_MISMATCH,
				 "%.63s was announced with sha256:%s; this body has sha256:%.64s", type,
				 digest, sha256);
	return 0;
}
