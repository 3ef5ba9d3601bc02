/* The Prometheus text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): families with their HELP
 * and TYPE, samples with labels, everything escaped. Pure. */
#ifndef ZWY_OBSERVE_EXPOSITION_H
#define ZWY_OBSERVE_EXPOSITION_H

#include "base/buf.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct label {
	const char *name;
	struct slice value; /* UTF-8 */
};

/* Before the samples of that name, once. type: counter, gauge or histogram. */
void exposition_family(struct buf *out, const char *name, const char *type, const char *help);
/* name and suffix together name the sample: "", "_bucket", "_sum", "_count". */
void exposition_sample(struct buf *out, const char *name, const char *suffix, const struct label *labels,
		       size_t label_count, double value);
/* As short as it can be and read back exactly; "+Inf" for infinity. */
void exposition_number(struct buf *out, double value);

/* Counts of values by size. The bounds ascend and are not ours. */
#define HISTOGRAM_BOUNDS_MAX 16
struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* each bucket for itself; the last: above all bounds */
	double sum;
};
void histogram_add(struct histogram *h, const double *bounds, size_t n, double value);
/* The samples of one histogram; *labels has room for one more label behind label_count. */
void exposition_histogram(struct buf *out, const char *name, struct label *labels, size_t label_count,
			  const struct histogram *h, const double *bounds, size_t n);

#endif
