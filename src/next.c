// SPDX-License-Identifier: MIT
/* The next definition of each libc function that preload.c defines; see next.h. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "next.h"

static int sys_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return syscall(SYS_ioctl, fd, request, arg);
}

static void *sys_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
#ifdef SYS_mmap2
	/* The unit of mmap2's offset is 4096 bytes on every architecture Debian has. */
	if (off & 4095 || (uint64_t)off >> 44) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap2, addr, len, prot, flags, fd, (long)(off >> 12));
#else
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
#endif
}

static void *sys_mmap(void *addr, size_t len, int prot, int flags, int fd, long off)
{
	return sys_mmap64(addr, len, prot, flags, fd, off);
}

static int sys_munmap(void *addr, size_t len)
{
	return syscall(SYS_munmap, addr, len);
}

struct next next = {
	.ioctl = sys_ioctl,
	.mmap = sys_mmap,
	.mmap64 = sys_mmap64,
	.munmap = sys_munmap,
};

static int same_object(const void *a, const void *b)
{
	Dl_info ia, ib;

	return dladdr(a, &ia) && dladdr(b, &ib) && ia.dli_fbase == ib.dli_fbase;
}

/* @slot is left alone where there is no next definition, or where it is in this very object. */
static void resolve(void *slot, const char *name)
{
	void *sym = dlsym(RTLD_NEXT, name);

	if (sym && !same_object(sym, &next))
		*(void **)slot = sym;
}

void next_init(void)
{
	resolve(&next.ioctl, "ioctl");
	resolve(&next.mmap, "mmap");
	resolve(&next.mmap64, "mmap64");
	resolve(&next.munmap, "munmap");
}

int next_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = next.ioctl(fd, request, arg);

	return ret == -1 ? -errno : ret;
}

int next_ioctl_retry(int fd, unsigned long request, void *arg)
{
	int ret;

	do
		ret = next_ioctl(fd, request, arg);
	while (ret == -EINTR || ret == -EAGAIN);
	return ret;
}

int next_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out)
{
	void *p = next.mmap64(addr, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return -errno;
	*out = p;
	return 0;
}

void *next_pages(size_t len)
{
	void *p = NULL;

	next_mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, &p);
	return p;
}
