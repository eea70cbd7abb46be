// SPDX-License-Identifier: MIT
/* Lines for a person on stderr or in a file; see log.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#include "kernel/bionic.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "log.h"

#ifndef SYS_rt_sigtimedwait
#define SYS_rt_sigtimedwait SYS_rt_sigtimedwait_time64	/* 32-bit ports since 5.1 */
#endif
#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270	/* linux/magic.h, 4.5 */
#endif

/*
 * Flags for opening the log for each line. (A descriptor that stays open would be the program's to
 * close, to count and to hand on.)
 */
#define TO_FILE	(O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_LARGEFILE)

/* The file that a descriptor leads to. @type 0: the descriptor is not open. */
struct place {
	dev_t dev, rdev;
	ino_t ino;
	mode_t type;
};

/* A set of signals for libc and for the kernel, whose sizes differ. */
union mask {
	sigset_t libcs;
	char kernels[_NSIG / 8];
};

static struct place standard;	/* stderr's file at the start */
static bool stream;		/* stderr was a local stream socket at the start */
static struct place place;	/* the file at the path @file */
static char file[PATH_MAX];	/* a copy, as the environment is the program's; "": stderr */
static char terminal[64];	/* path of stderr's terminal, if it can be opened again; or "" */
static char program[65];	/* a copy, too: libc's pointer leads to the program's arguments */
static bool started, quiet;

/* Relaxed: at worst a thread waits in vain, or the count is wrong. */
static atomic_bool full;	/* the last line found no room */
static atomic_uint lost;	/* lines lost since the last line that got through */

static struct place place_of(int fd)
{
	struct stat st;

	if (sandbox_fstat(fd, &st) < 0)
		return (struct place){ 0 };
	return (struct place){ st.st_dev, st.st_rdev, st.st_ino, st.st_mode & S_IFMT };
}

static bool same(const struct place *a, const struct place *b)
{
	return a->type && a->type == b->type && a->dev == b->dev && a->rdev == b->rdev &&
	       a->ino == b->ino;
}

/*
 * Is @fd the journal's socket, or that of a parent which reads its child's stderr? Packet sockets
 * carry a protocol.
 */
static bool local_stream(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) && type == SOCK_STREAM;
}

static bool takes_lines(int fd, const struct place *p)
{
	switch (p->type) {
	case S_IFREG:
	case S_IFIFO:
		return true;
	case S_IFCHR:
		return isatty(fd);
	case S_IFSOCK:
		return same(p, &standard) && stream;
	default:
		return false;
	}
}

/*
 * Decided by the device number, as opening another device may have effects. Opening /dev/ptmx makes
 * a terminal.
 */
static bool may_be_terminal(const struct place *p)
{
	unsigned int n = major(p->rdev);

	return p->type == S_IFCHR &&
	       (n == 4 || (n == 5 && minor(p->rdev) != 2) || (n >= 136 && n <= 143));
}

/*
 * A terminal that has room for a byte may lack room for a line, and a write then waits for ever if
 * nobody reads. O_NONBLOCK on descriptor 2 would hold for all processes that share it. So the shim
 * opens the terminal again, by its path, for each line.
 */
static void name_terminal(void)
{
	struct place now;
	ssize_t n;
	int fd;

	n = readlink("/proc/self/fd/2", terminal, sizeof(terminal) - 1);
	terminal[n > 0 ? n : 0] = '\0';
	fd = n > 0 && takes_lines(STDERR_FILENO, &standard) ? next.open(terminal, TO_FILE) : -1;
	now = place_of(fd);
	if (!same(&now, &standard))
		terminal[0] = '\0';
	if (fd >= 0)
		next.close(fd);
}

void log_start(void)
{
	if (started)
		return;
	started = true;
	standard = place_of(STDERR_FILENO);
	stream = standard.type == S_IFSOCK && local_stream(STDERR_FILENO);
	if (standard.type == S_IFCHR && !file[0])
		name_terminal();
	snprintf(program, sizeof(program), "%s", program_invocation_short_name);
	sandbox_pid();
}

/* Is @fd a file of a kernel's file system? A write there changes the kernel or the process. */
static bool is_kernels(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return false;
	switch ((uint32_t)st.f_type) {
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case DEBUGFS_MAGIC:
	case SECURITYFS_MAGIC:
	case SELINUX_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case EFIVARFS_MAGIC:
		return true;
	default:
		return false;
	}
}

const char *log_to(const char *path)
{
	struct place at, now;
	bool takes, kernels;
	int fd;

	if (strlen(path) >= sizeof(file))
		return "longer than a path can be";
	fd = next.open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return log_errno(-errno);
	at = place_of(fd);
	kernels = is_kernels(fd);
	next.close(fd);
	if (kernels)
		return "a file of the kernel's";
	if (at.type != S_IFREG && at.type != S_IFIFO && !may_be_terminal(&at))
		return "neither a file nor a terminal nor a pipe";
	fd = next.open(path, TO_FILE);
	if (fd < 0)
		return errno == ENXIO ? "a pipe that nobody reads" : log_errno(-errno);
	now = place_of(fd);
	takes = takes_lines(fd, &now);
	next.close(fd);
	if (!takes || !same(&at, &now))
		return "not what it was a moment ago";
	place = now;
	strcpy(file, path);
	return NULL;
}

void log_quiet(void)
{
	quiet = true;
}

/*
 * Is there a reader, and room? A pipe then has room for a whole line, unless another process fills
 * it at that moment; a terminal may have room for a byte only.
 */
static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	bool was = atomic_load_explicit(&full, memory_order_relaxed);
	int ret;

	if (!sandbox_may(MAY_POLL))
		return false;
	ret = next.poll(&p, 1, was ? 0 : PATIENCE_MS);
	/* The second poll does not wait: signals may come often. */
	if (ret < 0 && errno == EINTR)
		ret = next.poll(&p, 1, 0);
	atomic_store_explicit(&full, !ret, memory_order_relaxed);
	return ret == 1 && p.revents == POLLOUT;
}

/* The signal functions are system calls here: the shim exports libc's. */
static bool write_quietly(int fd, const char *line, size_t len)
{
	static const struct timespec now;
	union mask raised = { 0 }, was = { 0 }, pending = { 0 };
	bool blocked, asked;
	int sig = 0;
	ssize_t n;

	sigaddset(&raised.libcs, SIGPIPE);
	sigaddset(&raised.libcs, SIGXFSZ);
	sigaddset(&raised.libcs, SIGTTOU);	/* no signal while blocked (tty_check_change()) */
	if (!sandbox_may(MAY_SIGPROCMASK) ||
	    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &raised, &was, sizeof(was.kernels)) < 0)
		return false;
	/*
	 * A pending SIGPIPE or SIGXFSZ is the program's: the program has the signal blocked then.
	 */
	blocked = sigismember(&was.libcs, SIGPIPE) == 1 || sigismember(&was.libcs, SIGXFSZ) == 1;
	asked = !blocked || (sandbox_may(MAY_SIGPENDING) &&
			     !syscall(SYS_rt_sigpending, &pending, sizeof(pending.kernels)));
	n = asked ? write(fd, line, len) : 0;
	if (n < 0 && errno == EPIPE)
		sig = SIGPIPE;
	else if (n < 0 && errno == EFBIG)
		sig = SIGXFSZ;
	if (sig && sigismember(&pending.libcs, sig) != 1) {
		memset(&raised, 0, sizeof(raised));
		sigaddset(&raised.libcs, sig);
		syscall(SYS_rt_sigtimedwait, &raised, NULL, &now, sizeof(raised.kernels));
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, sizeof(was.kernels));
	return n > 0;
}

static bool put(int fd, const struct place *meant, const char *line, size_t len)
{
	struct place now = place_of(fd);

	if (!same(&now, meant) || !takes_lines(fd, &now) ||
	    (now.type != S_IFREG && !has_room(fd)))
		return false;
	if (now.type == S_IFSOCK && sandbox_may(MAY_SEND))
		return send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	return write_quietly(fd, line, len);
}

static bool put_to(const char *path, const struct place *meant, const char *line, size_t len,
		   bool *done)
{
	int fd = sandbox_may(MAY_FILES) ? next.open(path, TO_FILE) : -1;

	if (fd < 0)
		return false;
	*done = put(fd, meant, line, len);
	next.close(fd);
	return true;
}

static bool log_write(const char *line, size_t len)
{
	struct place now;
	bool done = false;

	if (!sandbox_may(MAY_WRITE))
		return false;
	if (file[0]) {
		put_to(file, &place, line, len, &done);
		return done;
	}
	now = place_of(STDERR_FILENO);
	if (!same(&now, &standard))
		return false;
	if (terminal[0] && put_to(terminal, &standard, line, len, &done))
		return done;
	/* Descriptor 2 itself: so also where the terminal can no longer be opened, as after su. */
	return put(STDERR_FILENO, &standard, line, len);
}

void log_always(const char *fmt, ...)
{
	unsigned int before = atomic_load_explicit(&lost, memory_order_relaxed);
	int saved = errno, cancel, n, m;
	char line[512], number[12] = "?";
	va_list ap;

	if (quiet)
		return;
	log_start();
	if (sandbox_pid())
		snprintf(number, sizeof(number), "%d", (int)sandbox_pid());
	n = snprintf(line, 128, "primeshim: %s[%s]: ", program, number);
	if (before)
		n += snprintf(line + n, 32, "(%u lines lost) ", before);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (m > (int)sizeof(line) - n - 2)
		m = sizeof(line) - n - 2;
	line[n + m] = '\n';
	/* A log line is no cancellation point: neither is a touch (trap.c), which may write one. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (log_write(line, n + m + 1))
		atomic_fetch_sub_explicit(&lost, before, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

const char *log_errno(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
#define NAME(e) { -(e), #e }
		NAME(EPERM), NAME(ENOENT), NAME(EINTR), NAME(EIO), NAME(ENXIO), NAME(EBADF),
		NAME(EAGAIN), NAME(ENOMEM), NAME(EACCES), NAME(EFAULT), NAME(EBUSY), NAME(EEXIST),
		NAME(ENODEV), NAME(EINVAL), NAME(ENFILE), NAME(EMFILE), NAME(ENOTTY), NAME(ENOSPC),
		NAME(ENOSYS), NAME(EOVERFLOW), NAME(EOPNOTSUPP), NAME(ESTALE), NAME(ENOTDIR),
		NAME(EROFS), NAME(ELOOP), NAME(EXDEV),
#undef NAME
		{ -524, "ENOTSUPP" },	/* the kernel's own, without a name in libc */
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].err == err)
			return names[i].name;
	return "another error";
}
