#include "latency.h"

#include <stdio.h>
#include <stdlib.h>

int
latency_init(struct latency *ret, size_t room)
{
	*ret = (struct latency){.ns = malloc(room * sizeof(*ret->ns)), .room = room};
	return ret->ns ? 0 : -1;
}

void
latency_release(struct latency *l)
{
	free(l->ns);
	*l = (struct latency){0};
}

void
latency_add(struct latency *l, uint64_t ns)
{
	if (l->count < l->room)
		l->ns[l->count++] = ns;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
sort(struct latency *l)
{
	qsort(l->ns, l->count, sizeof(*l->ns), by_value);
}

/* What that share of them, sorted, did not exceed. */
static uint64_t
percentile(const struct latency *l, double share)
{
	return l->ns[(size_t)((double)(l->count - 1) * share)];
}

uint64_t
latency_median(struct latency *l)
{
	if (!l->count)
		return 0;
	sort(l);
	return percentile(l, 0.5);
}

void
latency_print(struct latency *l)
{
	static const struct {
		const char *name;
		double share;
	} told[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};

	if (!l->count)
		return;
	sort(l);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		printf(" %s_us=%.2f", told[i].name, (double)percentile(l, told[i].share) / 1000);
}
