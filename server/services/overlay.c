#include "services/overlay.h"

#include "rules/overlay.h"

static int
put_overlay(struct job *j, const zwy_v1_NodeParameter *before, const zwy_v1_NodeParameter *after,
	    const char *cause)
{
	struct job_event e = {
		.kind = "update",
		.action = "follow",
		.article = "36",
		.comment = arena_printf(&j->messages.arena, "%s (%s) -> %s (%s): %s has changed",
					before->effective_value, before->source, after->effective_value,
					after->source, cause),
	};
	const struct put *put = JOB_PUT(j, before->name, zwy_v1_NodeParameter, after);
	return put ? job_event(j, put, &e) : j->command.fault.code;
}

int
overlays_follow(struct job *j, const struct rulebook *book, const zwy_v1_Parameter *changed)
{
	const char *key = slug_of(changed->name).p;
	bool freedom = strcmp(key, parameter_table[PARAM_ALLOW_LOOSEN].key) == 0;
	int64_t loosen = book->parameters.number[PARAM_ALLOW_LOOSEN];
	if (freedom)
		parameter_number(&parameter_table[PARAM_ALLOW_LOOSEN], changed->value, &loosen);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < book->overlay_count; i++) {
		const zwy_v1_NodeParameter *before = book->overlays[i];
		const char *own_key = slug_of(before->name).p;
		const struct parameter_desc *desc = parameter_find(own_key);
		bool same = strcmp(own_key, key) == 0;
		zwy_v1_NodeParameter after;
		if (!desc || (!same && !freedom))
			continue;
		const zwy_v1_Parameter *p = same ? changed : book->province[desc - parameter_table];
		if (overlay_follow(before, p ? p->value : desc->default_value, loosen != 0,
				   &j->messages.arena, &after))
			rc = put_overlay(j, before, &after, changed->name);
	}
	return rc;
}
