/* Counts of calls by method, under the names that every gRPC server has in Prometheus:
 *
 *   grpc_server_started_total, grpc_server_handled_total{grpc_code},
 *   grpc_server_msg_received_total, grpc_server_msg_sent_total,
 *   grpc_server_handling_seconds (a histogram; bounds in buckets.def)
 *
 * each with grpc_type, grpc_service, grpc_method. Calls that were refused before their
 * method was known have "unknown" for all three. Counting is additions in an array by the
 * method's place in the config; messages of a stream that is open count while it is open.
 * Loop thread. */
#ifndef ZWY_OBSERVE_METRICS_H
#define ZWY_OBSERVE_METRICS_H

#include "observe/exposition.h"
#include "observe/note.h"

struct metrics;

/* The methods are borrowed. ERR_NO_MEMORY. */
int metrics_new(struct metrics **ret, const struct rpc_config *config, int64_t (*ticks)(void));
void metrics_free(struct metrics *m);
struct rpc_hook metrics_hook(struct metrics *m);
/* Appends the families above. */
void metrics_render(const struct metrics *m, struct buf *out);
/* Appends the process's own: process_cpu_seconds_total, process_resident_memory_bytes,
 * process_virtual_memory_bytes, process_open_fds, process_max_fds,
 * process_start_time_seconds. What /proc does not tell is left off. */
void metrics_render_process(struct buf *out);

#endif
