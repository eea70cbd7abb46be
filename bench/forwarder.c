// SPDX-License-Identifier: MIT
/*
 * The least that an object for LD_PRELOAD can do: each call goes on to the next definition, which
 * it finds once. Its cost is the price of being preloaded at all, to which bench.sh holds the shim.
 */
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdint.h>

/*
 * As in the shim the functions have names of their own in C, so that a variadic one can be defined
 * with the one argument that it is called with.
 */
#define FORWARD(type, name, params, ...)				\
	static type (*next_##name) params;				\
	__attribute__((visibility("default")))				\
	type forward_##name params __asm__(#name);			\
	type forward_##name params					\
	{								\
		return next_##name(__VA_ARGS__);			\
	}

FORWARD(int, ioctl, (int fd, unsigned long request, void *arg), fd, request, arg)
FORWARD(void *, mmap, (void *addr, unsigned long len, int prot, int flags, int fd, long off),
	addr, len, prot, flags, fd, off)
FORWARD(void *, mmap64, (void *addr, unsigned long len, int prot, int flags, int fd, int64_t off),
	addr, len, prot, flags, fd, off)
FORWARD(int, munmap, (void *addr, unsigned long len), addr, len)
FORWARD(int, close, (int fd), fd)
FORWARD(int, dup, (int fd), fd)

__attribute__((constructor)) static void begin(void)
{
	*(void **)&next_ioctl = dlsym(RTLD_NEXT, "ioctl");
	*(void **)&next_mmap = dlsym(RTLD_NEXT, "mmap");
	*(void **)&next_mmap64 = dlsym(RTLD_NEXT, "mmap64");
	*(void **)&next_munmap = dlsym(RTLD_NEXT, "munmap");
	*(void **)&next_close = dlsym(RTLD_NEXT, "close");
	*(void **)&next_dup = dlsym(RTLD_NEXT, "dup");
}
