#include "services/planned.h"

#include "rules/names.h"

int
planned_put(struct job *j, struct txn *t, const zwy_v1_Application *a)
{
	struct fault *f = &j->command.fault;
	struct arena *arena = &j->messages.arena;
	const struct register_step *step;
	zwy_v1_Forecast after;
	if (!application_relies(a))
		return 0;
	char *name = arena_printf(arena, "forecasts/%s/%s", a->department, name_slug(a->forecast));
	zwy_v1_Forecast *before =
		name ? JOB_READ(j, txn_reader(t), slice_of(name), zwy_v1_Forecast, f) : NULL;
	if (!before)
		return f->code ? f->code : fault_set(f, ERR_NO_MEMORY, "out of memory");
	if (!forecast_rely(before, a, &j->actor, j->now, arena, &after, &step))
		return arena->failed ? fault_set(f, ERR_NO_MEMORY, "out of memory") : 0;
	struct job_event e = {.kind = "update",
			      .action = step ? step->action : "rely",
			      .from_state = before->state,
			      .to_state = after.state,
			      .article = "21",
			      .comment = a->name};
	const struct put *put = JOB_PUT(j, name, zwy_v1_Forecast, &after);
	return put ? job_event(j, put, &e) : f->code;
}

int
planned_others(struct reader *r, const zwy_v1_Forecast *forecast, struct message_list *list,
	       const zwy_v1_Application *const **ret, size_t *ret_count, struct fault *f)
{
	const zwy_v1_Application **others =
		arena_array(&list->arena, forecast->applications_count, sizeof(*others));
	*ret_count = 0;
	if (!others)
		return fault_set(f, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < forecast->applications_count; i++) {
		struct name name;
		struct record record;
		if (name_parse(&name, slice_of(forecast->applications[i]), NULL) != 0 ||
		    record_get(r, &name, &record) != 0)
			continue;
		zwy_v1_Application *a = MESSAGE_DECODE(list, zwy_v1_Application, record.body, f);
		if (!a)
			return f->code;
		others[(*ret_count)++] = a;
	}
	*ret = others;
	return 0;
}
