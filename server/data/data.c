#include "data/data.h"

/* Each file as it is, between two symbols. */
#define DATA_FILE(symbol, file)                                        \
	__asm__(".pushsection .rodata\n"                               \
		".global " #symbol "_begin\n" #symbol "_begin:\n"      \
		".incbin \"" ZWY_DATA_DIR "/" file "\"\n"              \
		".global " #symbol "_end\n" #symbol "_end:\n.byte 0\n" \
		".popsection\n");
#include "data/files.def"
