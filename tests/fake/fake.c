// SPDX-License-Identifier: MIT
/*
 * The fake kernel's system calls; see fake.h. Nothing here, and nothing that it calls, may
 * allocate, or use a libc function that the shim or fake-preload.c defines: it makes system calls
 * by number.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm.h>
#include <linux/dma-buf.h>
#include <linux/futex.h>
#include <linux/sync_file.h>

#include "fake-internal.h"

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

static struct kernel *k(void)
{
	return atomic_load(&kernel);
}

/* The result of a system call that failed with an errno, or did not and leaves it alone. */
static int result(int ret, int saved)
{
	errno = ret < 0 ? -ret : saved;
	return ret < 0 ? -1 : ret;
}

/* The keeper's descriptor is not there for the program. */
bool hidden(int fd)
{
	if (fd < 0 || fd != keeper_descriptor())
		return false;
	errno = EBADF;
	return true;
}

/* The same with the lock, which is not taken where @fd cannot be anything of ours. */
static bool what_locked(int fd, struct what *w, struct locked *l)
{
	int saved = errno;
	struct stat st;

	if (!k() || raw_fstat(fd, &st) < 0 || (!S_ISSOCK(st.st_mode) && !S_ISREG(st.st_mode))) {
		errno = saved;
		return false;
	}
	*l = kernel_lock();
	w->file = file_of(fd);
	w->dmabuf = w->file ? 0 : dmabuf_of(fd);
	if (w->file || w->dmabuf)
		return true;
	kernel_unlock(*l);
	return false;
}

struct what what(int fd)
{
	struct what w = { 0 };
	struct locked l;

	if (what_locked(fd, &w, &l))
		kernel_unlock(l);
	return w;
}

/* The number after @prefix, that @path ends with; or -1. */
static int number_after(const char *path, const char *prefix)
{
	char *end;
	long n;

	if (strncmp(path, prefix, strlen(prefix)))
		return -1;
	path += strlen(prefix);
	n = *path >= '0' && *path <= '9' ? strtol(path, &end, 10) : -1;
	return n < 0 || *end || n > 0x7fffffff ? -1 : (int)n;
}

/* What the kernel tells of a dma-buf in fdinfo. */
static int open_fdinfo(int fd, uint32_t dmabuf, int flags)
{
	int saved = errno, n;
	int info = syscall(SYS_memfd_create, "fdinfo", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	struct dmabuf *d = &k()->dmabufs[dmabuf];
	struct locked l;
	char text[256];

	if (info < 0)
		return -1;
	l = kernel_lock();
	n = snprintf(text, sizeof(text), "pos:\t0\nflags:\t0%o\nmnt_id:\t1\nino:\t%llu\n"
		     "size:\t%llu\ncount:\t1\nexp_name:\t%s\n",
		     (unsigned int)raw_fcntl(fd, F_GETFL, 0), (unsigned long long)d->ino,
		     (unsigned long long)d->size,
		     d->unmappable ? "vmwgfx" : d->device == FOREIGN ? "fake" :
		     fake_drivers[d->device].exports_as);
	kernel_unlock(l);
	if (syscall(SYS_write, info, text, n) != n || syscall(SYS_lseek, info, 0, SEEK_SET))
		return -1;
	errno = saved;
	return info;
}

int fake_open(const char *path, int flags, ...)
{
	unsigned int mode = 0;
	struct what w;
	int n, saved = errno;
	va_list ap;

	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		va_start(ap, flags);
		mode = va_arg(ap, unsigned int);
		va_end(ap);
	}
	if (struck(FAKE_OPEN))
		return -1;
	/* A bad pointer is for the kernel to refuse. */
	if (path) {
		n = number_after(path, "/dev/dri/card");
		if (n >= 0 && n < FAKE_DRIVERS)
			return result(kernel_start() ? drm_open(n, flags) : -ENOMEM, saved);
		n = k() ? number_after(path, "/proc/self/fdinfo/") : -1;
		w = n >= 0 ? what(n) : (struct what){ 0 };
		if (w.dmabuf)
			return open_fdinfo(n, w.dmabuf, flags);
	}
	return raw_open(path, flags, mode);
}

static void (*on_sync)(uint64_t ino, uint64_t flags);

void fake_on_sync(void (*hook)(uint64_t ino, uint64_t flags))
{
	on_sync = hook;
}

static int dmabuf_ioctl(uint32_t dmabuf, unsigned int request, const void *arg)
{
	struct dmabuf *d = &k()->dmabufs[dmabuf];
	struct dma_buf_sync sync;

	if (request != DMA_BUF_IOCTL_SYNC)
		return -ENOTTY;
	if (copy_in(&sync, arg, sizeof(sync)))
		return -EFAULT;
	if (sync.flags & ~(uint64_t)DMA_BUF_SYNC_VALID_FLAGS_MASK ||
	    !(sync.flags & DMA_BUF_SYNC_RW))
		return -EINVAL;
	if (sync.flags & DMA_BUF_SYNC_END) {
		/*
		 * One more, of what was ended for writing, is legal. So is one for reading where
		 * nothing was written.
		 */
		k()->bracket_faults += d->bracket ?
				       !(d->bracket & sync.flags & DMA_BUF_SYNC_READ) &&
				       d->bracket != (sync.flags & DMA_BUF_SYNC_RW) :
				       sync.flags != (DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW) ||
				       !d->begins;
		d->more_ends += !d->bracket;
		d->bracket = 0;
		d->ends++;
	} else {
		/* And so is one more in an open bracket. */
		k()->bracket_faults += d->bracket && d->bracket != sync.flags;
		d->more_begins += !!d->bracket;
		d->bracket = sync.flags;
		d->begins++;
	}
	if (on_sync)
		on_sync(d->ino, sync.flags);
	return 0;
}

int delay_of(uint32_t dmabuf)
{
	return k()->dmabufs[dmabuf].delay;
}

void delay(int us)
{
	if (us <= 0)
		return;
	atomic_fetch_add(&k()->delayed, 1);
	raw_sleep(us);
}

static bool is_end(const void *arg)
{
	struct dma_buf_sync sync = { .flags = 0 };

	return !copy_in(&sync, arg, sizeof(sync)) && sync.flags & DMA_BUF_SYNC_END;
}

/* With the lock held, but not while it waits. */
static void wait_for_start(uint32_t dmabuf, struct locked *l)
{
	int was;

	if (delay_of(dmabuf) < 0)
		atomic_fetch_add(&k()->delayed, 1);
	while ((was = delay_of(dmabuf)) < 0) {
		kernel_unlock(*l);
		syscall(SYS_futex, &k()->dmabufs[dmabuf].delay, FUTEX_WAIT, was, NULL);
		*l = kernel_lock();
	}
}

/* The same. */
static void wait_held(struct locked *l)
{
	if (!atomic_load(&k()->hold_waits))
		return;
	atomic_fetch_add(&k()->waits_held, 1);
	while (atomic_load(&k()->hold_waits)) {
		kernel_unlock(*l);
		raw_sleep(1000);
		*l = kernel_lock();
	}
	atomic_fetch_sub(&k()->waits_held, 1);
}

/* 0, or the errno that the submit is to fail with. */
static int submit_held(struct locked *l)
{
	unsigned int mine = k()->submits_held++;

	while (k()->hold_submits && k()->submits_let <= mine) {
		kernel_unlock(*l);
		raw_sleep(1000);
		*l = kernel_lock();
	}
	return k()->hold_submits ? k()->let_err : 0;
}

static bool is_regular(int fd)
{
	struct stat st;

	return !raw_fstat(fd, &st) && S_ISREG(st.st_mode);
}

int fake_ioctl(int fd, unsigned long request, ...)
{
	struct locked l;
	struct what w;
	va_list ap;
	void *arg;
	int ret = 0, saved = errno;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (struck(FAKE_IOCTL) || hidden(fd))
		return -1;
	/* Some are the same for every file. */
	if (request == FIOCLEX || request == FIONCLEX || request == FIONBIO ||
	    request == FIOASYNC || !what_locked(fd, &w, &l)) {
		/* A file stands for a sync_file: the real kernel makes none without a device. */
		if ((unsigned int)request == SYNC_IOC_FILE_INFO && is_regular(fd))
			return 0;
		if (k() && (unsigned int)request == DMA_BUF_IOCTL_SYNC)
			atomic_fetch_add(&k()->strays, 1);
		return syscall(SYS_ioctl, fd, request, arg);
	}
	if (w.dmabuf && !is_end(arg))
		wait_for_start(w.dmabuf, &l);
	if (w.file && (unsigned int)request == DRM_IOCTL_SYNCOBJ_WAIT)
		wait_held(&l);
	if (w.file && (unsigned int)request == DMA_BUF_IOCTL_SYNC)
		atomic_fetch_add(&k()->strays, 1);
	if (w.file && k()->hold_submits && is_submit(w.file, _IOC_NR(request)))
		ret = -submit_held(&l);
	if (!ret && w.file)
		ret = drm_ioctl(w.file, request, arg);
	else if (!ret)
		ret = dmabuf_ioctl(w.dmabuf, request, arg);
	kernel_unlock(l);
	if (w.dmabuf)
		delay(delay_of(w.dmabuf));
	return result(ret, saved);
}

static int dmabuf_mmap(int fd, uint32_t dmabuf, void *addr, size_t len, int prot, int flags,
		       uint64_t off, void **out)
{
	const struct dmabuf *d = &k()->dmabufs[dmabuf];
	int ret = mmap_allowed(addr, len, prot, flags, raw_fcntl(fd, F_GETFL, 0) & O_ACCMODE, off);
	uint64_t page = sysconf(_SC_PAGESIZE), whole = (len + page - 1) / page * page;

	if (ret < 0)
		return ret;
	if (d->unmappable || (flags & MAP_TYPE) == MAP_PRIVATE || off > d->size ||
	    whole > d->size - off)
		return mmap_refused(addr, len, flags, -EINVAL);
	*out = raw_mmap(addr, len, prot, flags, fd, off);
	return *out == MAP_FAILED ? -errno : 0;
}

/* What is wrong with the call before anybody asks the file, whose fault is to strike. */
static int allowed(void *addr, size_t len, int prot, int flags, int fd, uint64_t off)
{
	struct locked l;
	struct what w;
	int access;

	if (flags & MAP_ANONYMOUS)
		return 0;
	access = raw_fcntl(fd, F_GETFL, 0);
	if (access < 0)
		return -EBADF;
	access &= O_ACCMODE;
	if (what_locked(fd, &w, &l)) {
		access = w.file ? k()->files[w.file].access : access;
		kernel_unlock(l);
	}
	return mmap_allowed(addr, len, prot, flags, access, off);
}

void *fake_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	int ret, saved = errno;
	void *out = MAP_FAILED;
	struct locked l;
	struct what w;

	if (struck_pages()) {
		ret = allowed(addr, len, prot, flags, fd, off);
		result(ret ? ret : memory_broken(addr, len, prot, flags, &out), saved);
		return out;
	}
	if (struck(FAKE_MMAP)) {
		ret = -errno;
		/* The file's own ->mmap() says so when a MAP_FIXED has unmapped its place. */
		if (ret == -EACCES && !(flags & MAP_ANONYMOUS) &&
		    !allowed(addr, len, prot, flags, fd, off))
			mmap_refused(addr, len, flags, ret);
		result(ret, saved);
		return MAP_FAILED;
	}
	if (!(flags & MAP_ANONYMOUS) && hidden(fd))
		return MAP_FAILED;
	if (flags & MAP_ANONYMOUS || !what_locked(fd, &w, &l))
		return raw_mmap(addr, len, prot, flags, fd, off);
	if (w.file) {
		ret = drm_mmap(w.file, addr, len, prot, flags, off, &out);
	} else {
		ret = dmabuf_mmap(fd, w.dmabuf, addr, len, prot, flags, off, &out);
	}
	kernel_unlock(l);
	result(ret, saved);
	return out;
}

void *fake_mmap(void *addr, size_t len, int prot, int flags, int fd, long off)
{
	/* On 32-bit the kernel sees the offset as unsigned (mmap2's page number). */
	return fake_mmap64(addr, len, prot, flags, fd, (unsigned long)off);
}

int fake_munmap(void *addr, size_t len)
{
	return struck(FAKE_MUNMAP) ? -1 : raw_munmap(addr, len);
}

static void *raw_mremap(void *old, size_t old_len, size_t len, int flags, void *to)
{
	return (void *)syscall(SYS_mremap, old, old_len, len, flags, to);
}

/*
 * As remap_move() since 6.17: what is mapped in the range goes over, with its gaps, but the range
 * may not begin with one. Here page by page, which comes to the same.
 */
static void *move_many(char *from, size_t len, char *to)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char in_core;
	int saved = errno;

	for (size_t at = 0; at < len; at += page) {
		if (at && syscall(SYS_mincore, from + at, page, &in_core) < 0 && errno == ENOMEM)
			continue;
		if (raw_mremap(from + at, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, to + at) ==
		    MAP_FAILED)
			return MAP_FAILED;
	}
	errno = saved;
	return to;
}

void *fake_mremap(void *old, size_t old_len, size_t len, int flags, ...)
{
	void *to, *out;
	va_list ap;

	va_start(ap, flags);
	to = flags & ~MREMAP_MAYMOVE ? va_arg(ap, void *) : NULL;
	va_end(ap);
	if (struck(FAKE_MREMAP))
		return MAP_FAILED;
	out = raw_mremap(old, old_len, len, flags, to);
	if (out == MAP_FAILED && errno == EFAULT && flags == (MREMAP_MAYMOVE | MREMAP_FIXED) &&
	    old_len == len && k() && k()->moves_many)
		out = move_many(old, len, to);
	return out;
}

int fake_fstat(int fd, struct stat *st)
{
	struct what w;
	struct locked l;

	if (struck(FAKE_FSTAT) || hidden(fd) || raw_fstat(fd, st) < 0)
		return -1;
	w = what(fd);
	if (w.dmabuf)
		st->st_mode &= ~S_IFMT;
	if (!w.file)
		return 0;
	l = kernel_lock();
	/* Of the node: open files of one device are not told apart. */
	st->st_rdev = makedev(226, k()->files[w.file].device);
	st->st_ino = 1000 + k()->files[w.file].device;
	kernel_unlock(l);
	st->st_mode = S_IFCHR | 0660;
	return 0;
}

/* A dma-buf lies on a file system of its own. */
int fake_fstatfs(int fd, struct statfs *fs)
{
	int ret;

	if (hidden(fd))
		return -1;
#ifdef SYS_fstatfs64
	ret = syscall(SYS_fstatfs64, fd, sizeof(*fs), fs);
#else
	ret = syscall(SYS_fstatfs, fd, fs);
#endif
	if (!ret && what(fd).dmabuf)
		fs->f_type = 0x444d4142;	/* DMA_BUF_MAGIC */
	return ret;
}

int fake_futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
	       uint32_t value3)
{
	if (struck(FAKE_FUTEX))
		return -1;
	return syscall(SYS_futex, word, op, value, timeout, other, value3);
}
