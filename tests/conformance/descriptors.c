#include "serve.h"

__asm__(".pushsection .rodata\n"
	".global conformance_descriptors_begin\nconformance_descriptors_begin:\n"
	".incbin \"" ZWY_DESCRIPTORS "\"\n"
	".global conformance_descriptors_end\nconformance_descriptors_end:\n.byte 0\n"
	".popsection\n");
