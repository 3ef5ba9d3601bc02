/* Cities' own rules (Article 36): values of their own beside the province's
 * parameters, and what held when a case began. A change is numbered; a case keeps
 * the values of the changes up to the number it was submitted under. Pure. */
#ifndef ZWY_RULES_OVERLAY_H
#define ZWY_RULES_OVERLAY_H

#include "base/arena.h"
#include "rules/actor.h"
#include "rules/parameters.h"
#include "rules/records.h"
#include "zwy/v1/node.pb.h"

/* What a value was from that change on. */
struct parameter_change {
	enum parameter key;
	uint32_t version;  /* 0: what was there before the first change */
	const char *node;  /* whose; "" the province's */
	const char *value; /* "": a city has none of its own */
};

/* All changes, of the province and of every city, ascending by version. */
struct parameter_history {
	const struct parameter_change *changes;
	size_t count;
};

/* What holds at a node ("" or the core node: the province's values) after the
 * changes up to `version`; 0: after all of them. */
void parameters_at(const struct parameter_history *h, const char *node, uint32_t version,
		   struct parameters *ret);

/* Whether a city's own value may stand beside the province's: a tighter one or
 * the same always, a looser one only with `loosen` and never where the
 * regulation itself sets the value. Both must be allowed values. */
bool overlay_holds(const struct parameter_desc *p, const char *province, const char *own, bool loosen);

struct overlay_facts {
	const zwy_v1_Node *node;             /* NULL: none of that slug */
	const zwy_v1_Parameter *province;    /* NULL: as delivered */
	const struct parameters *parameters; /* the province's, now */
	struct rules_change change;
};
/* The competent authority of the city sets, changes or (with an empty value)
 * gives up its own value. RULE_LOOSENED names both values. */
int overlay_rule(const struct actor *actor, const zwy_v1_NodeParameter *before,
		 const zwy_v1_NodeParameter *asked, const struct overlay_facts *facts, struct arena *arena,
		 zwy_v1_NodeParameter *ret, struct fault *f);

/* The record as it is after the province has changed its value or the freedom to
 * loosen: false if nothing of it changes. */
bool overlay_follow(const zwy_v1_NodeParameter *before, const char *province, bool loosen,
		    struct arena *arena, zwy_v1_NodeParameter *ret);

/* "5 -> 3 (reason)": for the event. */
const char *parameter_change_text(const zwy_v1_ParameterChange *change, struct arena *arena);

/* A change by that actor. A reason that already stood there was given for an
 * earlier one and does not count. */
zwy_v1_ParameterChange parameter_changed(const char *old_value, const char *value, const char *old_reason,
					 const char *reason, const struct actor *actor,
					 struct rules_change change, struct arena *arena);

/* `history` with one more change; NULL when memory is out. */
zwy_v1_ParameterChange *parameter_history_add(const zwy_v1_ParameterChange *history, pb_size_t *count,
					      const zwy_v1_ParameterChange *change, struct arena *arena);

/* As Parameter.tighter says it. */
const char *parameter_tighter_name(enum parameter_tighter tighter);

#endif
