// SPDX-License-Identifier: MIT
/* The fake kernel's devices but for their ioctls: open, and mmap of GEM objects. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
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
	if (k()->opened++ > k()->file_pool.live / 2 + 8) {
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
	static const int answers[] = {
		[MAPS_NOTHING] = EINVAL, [MAPS_SIGBUS] = -SIGBUS, [MAPS_OTHER] = 0,
	};
	const struct fake_driver *d = &fake_drivers[o->device];

	return !o->import ? 0 : d->dumb_err ? d->dumb_err : answers[d->import_map];
}

int mmap_allowed(void *addr, size_t len, int prot, int flags, int access, uint64_t off)
{
	const int type = flags & MAP_TYPE;
	size_t page = sysconf(_SC_PAGESIZE);
	void *p;

	if (!len || off % page)
		return -EINVAL;
	if (len > SIZE_MAX / 2)
		return -ENOMEM;
	if (flags & MAP_FIXED_NOREPLACE) {
		p = raw_mmap(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			     MAP_FIXED_NOREPLACE, -1, 0);
		if (p == MAP_FAILED)
			return -errno;
		raw_munmap(p, len);
	}
	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type != MAP_PRIVATE && prot & PROT_WRITE && access == O_RDONLY)
		return -EACCES;
	return access == O_WRONLY ? -EACCES : 0;
}

int mmap_refused(void *addr, size_t len, int flags, int err)
{
	void *p;

	if (!(flags & MAP_FIXED))
		return err;
	p = raw_mmap(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		     -1, 0);
	/* The kernel has said of the place itself what it would have said before. */
	if (p == MAP_FAILED)
		return -errno;
	raw_munmap(p, len);
	return err;
}

/* The same pages by a file with that access. Closes @fd. */
static int with_access(int fd, int access)
{
	int other;

	if (fd < 0 || (raw_fcntl(fd, F_GETFL, 0) & O_ACCMODE) == access)
		return fd;
	other = memory_reopen(fd, access);
	raw_close(fd);
	return other;
}

static int pages_of(const struct object *o)
{
	return keep_get(o->import ? k()->dmabufs[o->dmabuf].token : o->token, true);
}

/* Pages that are not the buffer's. */
static int other_pages(const struct object *o)
{
	return memory_new(o->size, 0xee);
}

/* What the GTT shows of a tiled buffer: faked as a copy with other bytes. */
static int detiled_pages(const struct object *o)
{
	int fd = keep_get(o->token, true), copy = memory_new(o->size, 0);
	char *from, *to;

	if (fd < 0 || copy < 0)
		return -ENOMEM;
	from = raw_mmap(NULL, o->size, PROT_READ, MAP_SHARED, fd, 0);
	to = raw_mmap(NULL, o->size, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	for (uint64_t i = 0; i < o->size; i++)
		to[i] = from[i] ^ 0x5a;
	raw_munmap(from, o->size);
	raw_munmap(to, o->size);
	raw_close(fd);
	return copy;
}

static int map_object(uint32_t object, void *addr, size_t len, int prot, int flags, int access,
		      uint64_t from, void **out)
{
	const struct object *o = &k()->objects[object];
	int fd, ret, how = o->import ? fake_drivers[o->device].import_map : MAPS_PAGES;

	if (how == MAPS_NOTHING)
		return mmap_refused(addr, len, flags, -EINVAL);
	if (how == MAPS_SIGBUS) {
		k()->device_maps++;
		return memory_broken(addr, len, prot, flags, out);
	}
	fd = how == MAPS_OTHER ? other_pages(o) : o->tiled ? detiled_pages(o) : pages_of(o);
	/*
	 * What mprotect() may make of it (VM_MAYWRITE) is the device's file's to say, not the
	 * dma-buf's: dma_buf_mmap() leaves that as it is.
	 */
	fd = with_access(fd, access == O_RDONLY ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	*out = raw_mmap(addr, len, prot, flags, fd, from);
	ret = *out == MAP_FAILED ? -errno : 0;
	raw_close(fd);
	k()->device_maps += !ret;
	return ret;
}

/* A real mmap() needs no descriptor. */
int drm_map_object(uint32_t object, void *addr, size_t len, int prot, int flags, int access,
		   uint64_t from, void **out)
{
	int ret = map_object(object, addr, len, prot, flags, access, from, out);
	struct rlimit lim, more;

	if (ret != -EMFILE || getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return ret;
	more = lim;
	more.rlim_cur = lim.rlim_max - lim.rlim_cur < 8 ? lim.rlim_max : lim.rlim_cur + 8;
	setrlimit(RLIMIT_NOFILE, &more);
	ret = map_object(object, addr, len, prot, flags, access, from, out);
	setrlimit(RLIMIT_NOFILE, &lim);
	return ret;
}

int drm_mmap(uint32_t file, void *addr, size_t len, int prot, int flags, uint64_t off,
	     void **out)
{
	const struct file *f = &k()->files[file];
	uint32_t object = fake_drivers[f->device].ranges ? object_around(f->device, off) :
			  object_at(f->device, off);
	const struct object *o = &k()->objects[object];
	uint64_t from = off - o->offset;
	int ret = mmap_allowed(addr, len, prot, flags, f->access, off);

	if (ret < 0)
		return ret;
	if (!object || len > o->size - from)
		return mmap_refused(addr, len, flags, -EINVAL);
	if (!object_allowed(object, file))
		return mmap_refused(addr, len, flags, -EACCES);
	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		return mmap_refused(addr, len, flags, -EINVAL);
	ret = drm_map_object(object, addr, len, prot, flags, f->access, from, out);
	if (!ret && fake_drivers[f->device].keeps_address)
		k()->kept_address = (uintptr_t)*out;
	return ret;
}
