// SPDX-License-Identifier: MIT
/* The fake kernel's devices but for their ioctls: open, and mmap of GEM objects. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake-internal.h"

static struct kernel *k(void)
{
	return atomic_load_explicit(&kernel, memory_order_relaxed);
}

int drm_open(unsigned int device, int flags)
{
	int type = SOCK_SEQPACKET | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0) |
		   (flags & O_NONBLOCK ? SOCK_NONBLOCK : 0);
	int ends[2], token, ret = -ENFILE;
	struct stat st = { 0 };
	struct locked l;

	/* The last descriptor of it that is closed hangs up the keeper's end. */
	if (syscall(SYS_socketpair, AF_UNIX, type, 0, ends) < 0)
		return -errno;
	raw_fstat(ends[0], &st);
	l = kernel_lock();
	/* Of files closed unseen, each now and then. */
	if (k()->opened++ > k()->files_live / 2 + 8) {
		files_reap();
		k()->opened = 0;
	}
	token = keep(ends[1]);
	if (token >= 0) {
		raw_close(ends[1]);
		ends[1] = -1;
		if (file_new(st.st_ino, device, flags & O_ACCMODE, token))
			ret = ends[0];
		else
			keep_drop(token);
	}
	kernel_unlock(l);
	if (ends[1] >= 0)
		raw_close(ends[1]);
	if (ret < 0)
		raw_close(ends[0]);
	return ret;
}

int drm_native_map(const struct object *o)
{
	static const int answers[FAKE_DEVICES] = {
		[FAKE_REFUSES] = EINVAL, [FAKE_NO_MMAP] = EINVAL, [FAKE_SIGBUS] = -SIGBUS,
	};

	return o->import ? answers[o->device] : 0;
}

/* The pages of an object, writable whatever the dma-buf's access mode is, as dma_buf_mmap(). */
static int pages_of(const struct object *o, int prot)
{
	int fd = keep_get(o->import ? k()->dmabufs[o->dmabuf].token : o->token, true), rw;

	if (fd < 0 || !(prot & PROT_WRITE) || (raw_fcntl(fd, F_GETFL, 0) & O_ACCMODE) == O_RDWR)
		return fd;
	rw = memory_reopen(fd, O_RDWR);
	raw_close(fd);
	return rw;
}

int drm_mmap(uint32_t file, void *addr, size_t len, int prot, int flags, uint64_t off,
	     void **out)
{
	const struct file *f = &k()->files[file];
	uint32_t object = object_at(f->device, off);
	const struct object *o = &k()->objects[object];
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	int fd, ret;

	if (!len)
		return -EINVAL;
	if (f->access == O_WRONLY || (f->access == O_RDONLY && shared && prot & PROT_WRITE))
		return -EACCES;
	if (!object || len > o->size)
		return -EINVAL;
	if (!object_allowed(object, file))
		return -EACCES;
	if (!shared || (o->import && o->device == FAKE_NO_MMAP))
		return -EINVAL;
	if (o->import && o->device == FAKE_SIGBUS)
		return memory_broken(addr, len, prot, flags, out);
	fd = pages_of(o, prot);
	if (fd < 0)
		return fd;
	*out = raw_mmap(addr, len, prot, flags, fd, 0);
	ret = *out == MAP_FAILED ? -errno : 0;
	raw_close(fd);
	return ret;
}
