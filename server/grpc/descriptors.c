#include "grpc/descriptors.h"

__asm__(".pushsection .rodata\n"
	".global grpc_descriptors_begin\ngrpc_descriptors_begin:\n"
	".incbin \"" ZWY_GRPC_DESCRIPTORS "\"\n"
	".global grpc_descriptors_end\ngrpc_descriptors_end:\n.byte 0\n"
	".popsection\n");
