/* Applications and the forecasts that they rely on (Article 21). */
#ifndef ZWY_SERVICES_PLANNED_H
#define ZWY_SERVICES_PLANNED_H

#include "rules/planned.h"
#include "services/job.h"

/* Writer thread: the forecast learns of an application that was submitted; nothing where it
 * relies on none, or is known. Its event comes before the application's own. */
int planned_put(struct job *j, struct txn *t, const zwy_v1_Application *a);

/* The applications that a forecast knows; *ret lies in the list. */
int planned_others(struct reader *r, const zwy_v1_Forecast *forecast, struct message_list *list,
		   const zwy_v1_Application *const **ret, size_t *ret_count, struct fault *f);

#endif
