/* The data that ship with zwyd, inside the program: a server needs no files but
 * its own. The slices are constant. */
#ifndef ZWY_DATA_H
#define ZWY_DATA_H

#include "base/buf.h"

#define DATA_FILE(symbol, file) extern const char symbol##_begin[], symbol##_end[];
#include "data/files.def"
#undef DATA_FILE

#define DATA_SLICE(symbol) ((struct slice){symbol##_begin, (size_t)(symbol##_end - symbol##_begin)})

#endif
