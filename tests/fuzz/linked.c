// SPDX-License-Identifier: MIT
/* The shim linked into a test, over the fake kernel; see linked.h. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "linked.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "publish/publish_status.h"

static __thread struct {
	enum fake_call call;
	unsigned int nth;
	int err;		/* 0: nothing is armed */
	int struck;
	bool kcmp, littered;
} armed;

/* Is it this call's turn? Then the fake kernel lets it fail. */
static bool strike(enum fake_call call)
{
	if (!armed.err || (armed.call != FAKE_ANY && armed.call != call) || armed.nth--)
		return false;
	fake_fault(call, 0, armed.err);
	armed.struck = armed.err;
	armed.err = 0;
	return true;
}

#define THIRD(last) __extension__ ({		\
	va_list ap;				\
	void *arg_;				\
	va_start(ap, last);			\
	arg_ = va_arg(ap, void *);		\
	va_end(ap);				\
	arg_; })

static int to_ioctl(int fd, ioctl_request request, ...)
{
	strike(FAKE_IOCTL);
	return fake_ioctl(fd, (unsigned int)request, THIRD(request));
}

static void *to_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	/* Nor does the status file, whose blocks are allocated. */
	bool page = len == page_round(sizeof(struct publish_status));

	if (!(flags & MAP_ANONYMOUS) && !(page && armed.err == -SIGBUS))
		strike(FAKE_MMAP);
	else if (page)
		;
	else if (armed.err != -SIGBUS)
		armed.littered |= strike(FAKE_MMAP);
	return fake_mmap64(addr, len, prot, flags, fd, off);
}

static void *to_mmap(void *addr, size_t len, int prot, int flags, int fd, mmap_offset off)
{
	return to_mmap64(addr, len, prot, flags, fd,
			 sizeof(off) == 4 ? (uint32_t)off : (uint64_t)off);
}

static int to_munmap(void *addr, size_t len)
{
	armed.littered |= strike(FAKE_MUNMAP);
	return fake_munmap(addr, len);
}

static void *to_mremap(void *old, size_t old_len, size_t len, int flags, ...)
{
	strike(FAKE_MREMAP);
	return fake_mremap(old, old_len, len, flags, THIRD(flags));
}

static int to_close(int fd)
{
	bool closes = strike(FAKE_CLOSE);
	int ret = fake_close(fd), err = errno;

	if (closes)
		fake_close(fd);
	errno = err;
	return ret;
}

static int to_close_range(unsigned int first, unsigned int last, int flags)
{
	strike(FAKE_CLOSE_RANGE);
	return fake_close_range(first, last, flags);
}

static int to_dup(int fd)
{
	strike(FAKE_DUP);
	return fake_dup(fd);
}

static int to_dup2(int fd, int to)
{
	strike(FAKE_DUP);
	return fake_dup2(fd, to);
}

static int to_dup3(int fd, int to, int flags)
{
	strike(FAKE_DUP);
	return fake_dup3(fd, to, flags);
}

static int to_fcntl(int fd, int cmd, ...)
{
	strike(FAKE_FCNTL);
	return fake_fcntl(fd, cmd, THIRD(cmd));
}

static int to_open(const char *path, int flags, ...)
{
	strike(FAKE_OPEN);
	return fake_open(path, flags, 0);
}

static ssize_t to_readlink(const char *path, char *to, size_t len)
{
	if (!strike(FAKE_READLINK))
		return readlink(path, to, len);
	/* The fake kernel has no such call, and would strike at the next. */
	fake_fault_clear();
	errno = armed.struck > 0 ? armed.struck : EIO;
	return -1;
}

static int to_fstat(int fd, struct stat *st)
{
	strike(FAKE_FSTAT);
	return fake_fstat(fd, st);
}

static int to_fstatfs(int fd, struct statfs *fs)
{
	return fake_fstatfs(fd, fs);
}

static int to_futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
		    uint32_t value3)
{
	/* The kernel says EAGAIN and EINTR of nothing but words that it has read. */
	if (strike(FAKE_FUTEX) && (armed.struck == EAGAIN || armed.struck == EINTR))
		fake_fault_clear();
	return fake_futex(word, op, value, timeout, other, value3);
}

static int to_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
	strike(FAKE_POLL);
	return fake_poll(fds, n, timeout_ms);
}

static int to_same_file(pid_t self, int fd, int other)
{
	bool fails = strike(FAKE_SAME_FILE);
	int ret = fake_same_file(self, fd, other);

	if (fails && !armed.kcmp && (errno == EACCES || errno == EPERM))
		errno = EINVAL;
	return ret;
}

void linked_start(void)
{
	next = (struct next){
		.ioctl = to_ioctl,
		.ioctl_time64 = to_ioctl,
		.mmap = to_mmap,
		.mmap64 = to_mmap64,
		.munmap = to_munmap,
		.mprotect = mprotect,
		.mremap = to_mremap,
		.madvise = madvise,
		.msync = msync,
		.close = to_close,
		.close_range = to_close_range,
		.closefrom = fake_closefrom,
		.dup = to_dup,
		.dup2 = to_dup2,
		.dup3 = to_dup3,
		.fcntl = to_fcntl,
		.fcntl64 = to_fcntl,
		.fcntl_time64 = to_fcntl,
		.open = to_open,
		.readlink = to_readlink,
		.fstat = to_fstat,
		.fstatfs = to_fstatfs,
		.futex = to_futex,
		.poll = to_poll,
		.sigaction = sigaction,
		.sigprocmask = sigprocmask,
		.pthread_sigmask = pthread_sigmask,
		.prctl = prctl,
		.same_file = to_same_file,
	};
}

void linked_fault(enum fake_call call, unsigned int nth, int err, bool kcmp)
{
	armed.call = call;
	armed.nth = nth;
	armed.err = err;
	armed.struck = 0;
	armed.kcmp = kcmp;
	armed.littered = false;
}

int linked_struck(void)
{
	return armed.struck;
}

int linked_fault_clear(void)
{
	int err = armed.struck;

	fake_fault_clear();
	armed.err = armed.struck = 0;
	return err;
}

bool linked_littered(void)
{
	return armed.littered;
}
