/* The contract as data: tables that generate.py makes from the .proto files.
 *
 * Everything that is driven by the descriptor (validating walk, text and JSON
 * forms, indexes, routes, the files of a record) reads these tables. They are
 * constant; any thread may read them. */
#ifndef ZWY_DESCRIPTOR_H
#define ZWY_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "kinds.h" /* generated: enum kind { KIND_SERVICE = 1, … } */

enum field_type {
	FIELD_DOUBLE,
	FIELD_INT32,
	FIELD_INT64,
	FIELD_UINT32,
	FIELD_UINT64,
	FIELD_SINT32,
	FIELD_SINT64,
	FIELD_BOOL,
	FIELD_ENUM,
	FIELD_STRING,
	FIELD_BYTES,
	FIELD_MESSAGE,
};

enum field_label {
	LABEL_SINGULAR, /* proto3 implicit presence: default values are not on the wire */
	LABEL_OPTIONAL, /* explicit presence: `optional`, and members of a oneof */
	LABEL_REPEATED,
	LABEL_MAP, /* map<string, string>; message is the entry */
};

enum {
	FIELD_INDEXED = 1,
	FIELD_OUTPUT_ONLY = 2,
	FIELD_CLOCKS = 4,
};

/* Messages with a JSON form of their own. */
enum well_known {
	WELL_KNOWN_NONE,
	WELL_KNOWN_TIMESTAMP,
	WELL_KNOWN_FIELD_MASK,
};

struct enum_value_desc {
	const char *name; /* ZONE_EXTRANET */
	const char *text; /* extranet */
	int32_t number;
};

struct enum_desc {
	const char *name; /* zwy.v1.Zone */
	const struct enum_value_desc *values;
	size_t count;
};

struct message_desc;

struct field_desc {
	const char *name;      /* cloud_plan */
	const char *json_name; /* cloudPlan */
	const char *text_name; /* cloud-plan */
	const char *doc;       /* leading comment in the .proto, one line, may be "" */
	const char *article;   /* or "" */
	uint32_t number;
	enum field_type type;
	enum field_label label;
	unsigned flags;
	int oneof; /* index of its oneof in the message, or -1 */
	const struct message_desc *message;
	const struct enum_desc *enumeration;
};

struct message_desc {
	const char *name; /* zwy.v1.Application */
	const char *doc;
	const struct field_desc *fields; /* by number, ascending */
	size_t count;
	enum well_known well_known;
	const struct kind_desc *kind; /* NULL if not a record */
};

/* One segment of a resource name's pattern. */
enum segment_type {
	SEGMENT_LITERAL, /* applications */
	SEGMENT_SLUG,    /* {service} */
	SEGMENT_NUMBER,  /* {year=#} */
	SEGMENT_ID,      /* {application=A}: A-2026-000123 */
};

struct segment_desc {
	enum segment_type type;
	const char *text; /* the literal, or the variable's name */
	char prefix;      /* of an id */
};

#define MAX_SEGMENTS 6
#define MAX_FIELDS   64 /* of one message; generate.py refuses more */

struct kind_desc {
	enum kind kind;
	const char *name;       /* Application */
	const char *text_name;  /* application */
	const char *collection; /* applications; the literal before the last variable */
	const char *pattern;
	const char *article;
	const struct message_desc *message;
	struct segment_desc segments[MAX_SEGMENTS];
	size_t segment_count;
	uint32_t department_field; /* 0: none; 1 (name): the record is the department */
	uint32_t node_field;       /* likewise */
	bool workflow;
};

enum verb {
	VERB_NONE, /* a handler of its own */
	VERB_GET,
	VERB_LIST,
	VERB_CREATE,
	VERB_UPDATE,
	VERB_ACT,
};

struct method_desc {
	const char *path;    /* /zwy.v1.ApplicationService/GetApplication */
	const char *service; /* zwy.v1.ApplicationService */
	const char *name;    /* GetApplication */
	const struct message_desc *request, *response;
	bool client_streaming, server_streaming;
	enum verb verb;
	const struct kind_desc *kind; /* NULL with VERB_NONE */
};

/* Generated tables, ordered: kinds by number, methods by path, messages by name. */
extern const struct kind_desc *const kind_table[];
extern const size_t kind_count;
extern const struct method_desc method_table[];
extern const size_t method_count;
extern const struct message_desc *const message_table[];
extern const size_t message_count;
/* The serialized FileDescriptorSet of all files, imports included, no source information. */
extern const unsigned char descriptor_set[];
extern const size_t descriptor_set_size;

/* NULL where there is none. */
const struct kind_desc *kind_by_number(unsigned number);
/* By the collection's last literal as a person types it: applications, catalogue, quotas (of several
 * the shortest name: parameters are the province's), or by the whole of it: nodes/suzhou/parameters. */
const struct kind_desc *kind_by_collection(struct slice collection);
const struct message_desc *message_by_name(struct slice full_name);
/* Exact match of the :path (RFC 9113 8.3.1). */
const struct method_desc *method_by_path(struct slice path);
/* The method with this verb for this kind. */
const struct method_desc *method_of(enum kind kind, enum verb verb);
const struct field_desc *field_by_number(const struct message_desc *m, uint32_t number);
/* By text name, proto name or JSON name. */
const struct field_desc *field_by_name(const struct message_desc *m, struct slice name);
const struct enum_value_desc *enum_by_number(const struct enum_desc *e, int32_t number);
/* By text or full name, or a decimal number that is in the enum. */
const struct enum_value_desc *enum_by_name(const struct enum_desc *e, struct slice name);

#endif
