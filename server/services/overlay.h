/* Cities' own values follow the province's parameters (Article 36). */
#ifndef ZWY_SERVICES_OVERLAY_H
#define ZWY_SERVICES_OVERLAY_H

#include "services/job.h"

/* Puts every city's record whose effect changes with the province's parameter as
 * it shall be, each with its event. Writer thread. */
int overlays_follow(struct job *j, const struct rulebook *book, const zwy_v1_Parameter *changed);

#endif
