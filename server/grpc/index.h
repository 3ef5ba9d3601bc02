/* What stands in serialized FileDescriptorSets, found by file name, by symbol, and by the
 * number of an extension: the index behind server reflection.
 *
 * Built once; constant and readable by any thread from then on. It borrows the sets: its
 * slices point into them. Names are fully qualified, without a leading dot. */
#ifndef ZWY_GRPC_INDEX_H
#define ZWY_GRPC_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct index;

/* A file is a number below index_files(). */
#define INDEX_NONE SIZE_MAX

/* A file that several sets hold is taken from the first. ERR_INVALID_ARGUMENT: not a
 * FileDescriptorSet, or a file in it without a name; ERR_NO_MEMORY. */
int index_new(struct index **ret, const struct slice *sets, size_t set_count, struct fault *f);
void index_free(struct index *x);

size_t index_files(const struct index *x);
/* The FileDescriptorProto as it stands in its set. */
struct slice index_file(const struct index *x, size_t file);
size_t index_file_by_name(const struct index *x, struct slice name);
/* The file that declares it: a message, field, oneof, enum, value of an enum (which has
 * the scope of its enum's parent), extension, service or method. */
size_t index_file_by_symbol(const struct index *x, struct slice symbol);
/* True if there is a message of that name. */
bool index_has_message(const struct index *x, struct slice name);
/* The file that extends that message with that number. */
size_t index_file_by_extension(const struct index *x, struct slice message, int32_t number);
/* The number of the n-th extension of a message, ascending; false: there is none. */
bool index_extension(const struct index *x, struct slice message, size_t n, int32_t *ret);

#endif
