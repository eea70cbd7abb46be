// SPDX-License-Identifier: MIT
/*
 * The fake kernel's start, its lock, and the keeper. The keeper is a process that keeps a
 * descriptor of each dma-buf that a live handle refers to. A duplicate of that descriptor is the
 * same dma-buf, with its inode, its access mode and kcmp's consent. The program itself cannot keep
 * the descriptors: they would exceed its limit, the program would see them when it counts its own,
 * and the parent would not have the descriptors of its child's imports. The keeper also has the
 * other end of each device's socket, which hangs up when the last descriptor of the device is
 * closed, in any process.
 *
 * The program asks the keeper over a socket, one order and one answer at a time, under the lock.
 * The keeper ends when the last process with that socket ends. It starts more keepers when it has
 * as many descriptors as its limit allows.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fake-internal.h"

enum op { KEEP, GET, DROP, HUNG_UP };

struct order {
	uint32_t op, number;
	int token;
};

struct answer {
	uint32_t number;
	int ret;
};

/* A token is a descriptor's number in the keeper that has it, and above it which one that is. */
enum { WHICH = 20, KEEPERS = 64, SPARE = KEEPERS + 16 };

struct kernel *_Atomic kernel;
static atomic_int moved;	/* this process's own number for kernel->keeper; 0: unchanged */

/* A message with a descriptor, or without if @fd < 0. */
UNWATCHED static int give(int sock, void *data, size_t len, int fd)
{
	struct iovec iov = { data, len };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return syscall(SYS_sendmsg, sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * The length, or less; *@fd is -1 where none came with it, and -EMFILE where one was lost for want
 * of a number.
 */
UNWATCHED static int take(int sock, void *data, size_t len, int *fd, int flags)
{
	struct iovec iov = { data, len };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	int ret = syscall(SYS_recvmsg, sock, &m, flags);

	*fd = -1;
	if (ret < 0)
		return -errno;
	if (m.msg_flags & MSG_CTRUNC)
		*fd = -EMFILE;
	else if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(&control.head), sizeof(*fd));
	return ret;
}

/* The answer to @o, which is no DROP; *@out is the descriptor that came with it. */
UNWATCHED static int ask(int sock, struct order *o, int fd, int *out, int flags)
{
	struct answer a;
	int ret = give(sock, o, sizeof(*o), fd);

	while (!ret) {
		ret = take(sock, &a, sizeof(a), out, flags);
		if (ret == sizeof(a) && a.number == o->number)
			return a.ret;
		/* The answer to a process that was killed before it came. */
		if (ret > 0 && *out >= 0)
			raw_close(*out);
		ret = ret > 0 ? 0 : ret ? ret : -EPIPE;
	}
	return ret;
}

UNWATCHED static void serve(int sock);

UNWATCHED static long raw_fork(void)
{
#ifdef __s390__
	return syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/* The same where an emulator knows no clone() but fork(): 0 in the grandchild, or negative. */
UNWATCHED static long grandchild(void)
{
	uint64_t set = 1 << (SIGCHLD - 1), no_time[2] = { 0 };
	long pid = raw_fork();
	int status;

	if (!pid) {
		pid = raw_fork();
		if (pid)
			syscall(SYS_exit_group, pid < 0);
		return 0;
	}
	if (pid < 0 || syscall(SYS_wait4, pid, &status, 0, NULL) != pid)
		return -1;
	/* All signals are blocked here. */
	syscall(SYS_rt_sigtimedwait, &set, NULL, no_time, sizeof(set));
	return status ? -1 : pid;
}

/* Start a keeper: a socket, or a negative errno. */
UNWATCHED static int employ(void)
{
	int ends[2];
	long pid;

	if (syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	/* Like fork(), but no SIGCHLD for it, and wait() does not find it. */
	pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (pid < 0 && errno == EINVAL)
		pid = grandchild();
	if (!pid)
		serve(ends[1]);
	raw_close(ends[1]);
	if (pid < 0)
		raw_close(ends[0]);
	return pid < 0 ? -EAGAIN : ends[0];
}

UNWATCHED static int hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return raw_poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

UNWATCHED static void serve(int sock)
{
	int others[KEEPERS], load[KEEPERS] = { 0 }, fd, n = 1, limit;
	uint64_t lim[2] = { 1024, 1024 };
	struct answer a;
	struct order o;

	/*
	 * Nothing of the program's stays open for it, and its terminal's signals are not ours. Not
	 * a session of its own: the scheduler (sched_autogroup) would then let a busy machine run
	 * it so seldom that whoever waits for it seems to hang.
	 */
	syscall(SYS_dup3, sock, 0, 0);
	syscall(SYS_close_range, 1, ~0U, 0);
	syscall(SYS_setpgid, 0, 0);
	syscall(SYS_prctl, 15 /* PR_SET_NAME */, "fake-keeper", 0, 0, 0);
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, lim);
	lim[0] = lim[1];
	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, lim, NULL);
	limit = lim[0] < 1 << WHICH ? (int)lim[0] : 1 << WHICH;
	limit = limit > 2 * SPARE ? limit - SPARE : limit / 2;

	while (take(0, &o, sizeof(o), &fd, 0) == sizeof(o)) {
		int which = o.op == KEEP ? 0 : o.token >> WHICH, got = -1;

		a.number = o.number;
		if (o.op == KEEP)
			while (which < n && load[which] >= limit)
				which++;
		if (which == n && n < KEEPERS) {
			others[n] = employ();
			n += others[n] >= 0;
		}
		o.token &= (1 << WHICH) - 1;
		if (which >= n || (o.op == KEEP && fd < 0)) {
			a.ret = -ENFILE;
		} else if (o.op == DROP) {
			load[which]--;
			if (which)
				give(others[which], &o, sizeof(o), -1);
			else
				raw_close(o.token);
			continue;
		} else if (which) {
			a.ret = ask(others[which], &o, fd, &got, 0);
			if (o.op == KEEP && a.ret >= 0)
				a.ret |= which << WHICH;
		} else if (o.op == KEEP) {
			a.ret = fd;
		} else if (o.op == HUNG_UP) {
			a.ret = hung_up(o.token);
		} else {
			a.ret = 0;
		}
		if (a.ret >= 0 && o.op == KEEP)
			load[which]++;
		give(0, &a, sizeof(a), !which && o.op == GET ? o.token : got);
		if (got >= 0)
			raw_close(got);
		if (fd >= 0 && (which || a.ret < 0))
			raw_close(fd);
	}
	for (;;)
		syscall(SYS_exit_group, 0);
}

static uint64_t block_signals(void)
{
	uint64_t all = ~0ULL, old = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof(all));
	return old;
}

static void restore_signals(uint64_t old)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
}

/* To where programs do not look, but not so high that their table of descriptors gets big. */
static int raised(int fd)
{
	uint64_t lim[2] = { 256 };
	int high;

	syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, lim);
	high = raw_fcntl(fd, F_DUPFD_CLOEXEC, lim[0] < 8192 ? lim[0] - 1 : 8191);
	if (high < 0)
		return fd;
	raw_close(fd);
	return high;
}

static uint64_t device_of(int fd)
{
	struct stat st = { 0 };

	raw_fstat(fd, &st);
	return st.st_dev;
}

/* Shared: so there is no atfork handler, the child of a fork() just waits its turn. */
static void lock_init(struct kernel *k)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&k->lock, &attr);
}

/* Two threads may do this at once: the second one throws its kernel away again. */
bool kernel_start(void)
{
	struct kernel *k, *none = NULL;
	uint64_t signals;
	int memfd;

	if (atomic_load(&kernel))
		return true;
	k = raw_mmap(NULL, sizeof(*k), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (k == MAP_FAILED)
		return false;
	lock_init(k);
	signals = block_signals();
	k->keeper = employ();
	restore_signals(signals);
	if (k->keeper < 0)
		goto fail;
	k->keeper = raised(k->keeper);
	k->sockets = device_of(k->keeper);
	memfd = memory_new(1, 0);
	k->memfds = device_of(memfd);
	raw_close(memfd);
	if (memfd >= 0 && atomic_compare_exchange_strong(&kernel, &none, k))
		return true;
	raw_close(k->keeper);
fail:
	raw_munmap(k, sizeof(*k));
	return atomic_load(&kernel);
}

/* A child that holds the lock for so long has been killed. */
#define STALE_SECONDS	5

/*
 * Takes the lock. In a child of a raw clone() libc still has the number of the parent's thread. So
 * if a filter kills such a child with the lock, the kernel does not see that the owner has died.
 * The parent then finds its own number in the lock, and takes it.
 */
static int lock_take(struct kernel *k)
{
#ifdef __GLIBC__
	struct timespec until;
	int ret;

	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += STALE_SECONDS;
		ret = pthread_mutex_timedlock(&k->lock, &until);
		if (ret == ETIMEDOUT && k->lock.__data.__owner == (int)syscall(SYS_gettid)) {
			lock_init(k);
			tables_repair();
		}
	} while (ret == ETIMEDOUT);
	return ret;
#else
	return pthread_mutex_lock(&k->lock);
#endif
}

struct locked kernel_lock(void)
{
	struct locked l = { block_signals() };
	struct kernel *k = atomic_load(&kernel);

	if (lock_take(k) == EOWNERDEAD) {
		tables_repair();
		pthread_mutex_consistent(&k->lock);
	}
	return l;
}

void kernel_unlock(struct locked l)
{
	pthread_mutex_unlock(&atomic_load(&kernel)->lock);
	restore_signals(l.signals);
}

int keeper_descriptor(void)
{
	struct kernel *k = atomic_load(&kernel);
	int fd = atomic_load(&moved);

	return !k ? -1 : fd ? fd : k->keeper;
}

void keeper_move(void)
{
	int old = keeper_descriptor(), fd = raw_fcntl(old, F_DUPFD_CLOEXEC, old + 1);

	if (fd < 0)
		fd = raw_fcntl(old, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return;
	atomic_store(&moved, fd);
	raw_close(old);
}

static struct order order(enum op op, int token)
{
	return (struct order){ op, ++atomic_load(&kernel)->orders, token };
}

int keep(int fd)
{
	struct order o = order(KEEP, 0);
	int none;

	return ask(keeper_descriptor(), &o, fd, &none, 0);
}

int keep_get(int token, bool cloexec)
{
	struct order o = order(GET, token);
	int fd = -1, ret = ask(keeper_descriptor(), &o, -1, &fd, cloexec ? MSG_CMSG_CLOEXEC : 0);

	return ret < 0 ? ret : fd == -1 ? -ENFILE : fd;
}

void keep_drop(int token)
{
	struct order o = order(DROP, token);

	/* Without an answer. */
	give(keeper_descriptor(), &o, sizeof(o), -1);
}

bool keep_hung_up(int token)
{
	struct order o = order(HUNG_UP, token);
	int none;

	return ask(keeper_descriptor(), &o, -1, &none, 0) > 0;
}
