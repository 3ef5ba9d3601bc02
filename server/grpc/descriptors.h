/* The FileDescriptorSet of the standard services, imports included, made by protoc. */
#ifndef ZWY_GRPC_DESCRIPTORS_H
#define ZWY_GRPC_DESCRIPTORS_H

extern const char grpc_descriptors_begin[], grpc_descriptors_end[];

#endif
