// SPDX-License-Identifier: MIT
/*
 * Makes the status file and maps it; see publish_status.h.
 *
 * The shim writes nobody else's file: the directory belongs to this user, others cannot write
 * there, and the file is new. The file system has to keep room for the whole file, or a store into
 * the mapping would raise SIGBUS once the disk is full. A store raises SIGBUS, too, after another
 * process has cut the file short: the file has mode 0400, so no redirection and no editor of the
 * user's opens it for writing. A file system may be slow: the thread that makes the file holds no
 * lock of the shim meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/room.h"
#include "kernel/sandbox.h"
#include "publish_status.h"
#include "settings/settings.h"

/*
 * A descriptor that the code here has open for a while. Another thread of the program may close it,
 * and the kernel may then give its number to a file of the program's: @dev and @ino distinguish the
 * two.
 */
struct held {
	atomic_int fd;		/* -1: none */
	dev_t dev;
	ino_t ino;
};

/*
 * One thread makes the file. The variables are not local to it, so the child of a fork() by another
 * thread finds them.
 */
static struct held directory = { .fd = -1 }, file = { .fd = -1 };
static _Atomic(void *) mapped;

static int hold(struct held *h, int fd, struct stat *st)
{
	if (sandbox_fstat(fd, st) < 0) {
		int ret = -errno;

		next.close(fd);
		return ret;
	}
	h->dev = st->st_dev;
	h->ino = st->st_ino;
	/* Last: a thread that forks from here on copies @dev and @ino with it. */
	atomic_store(&h->fd, fd);
	return 0;
}

static bool is_held(const struct held *h, int fd)
{
	struct stat st;

	if (fd < 0)
		return false;
	/* Any other error says that the descriptor is open: most likely it is still the shim's. */
	if (sandbox_fstat(fd, &st) < 0)
		return errno != EBADF;
	return st.st_dev == h->dev && st.st_ino == h->ino;
}

static void let_go(struct held *h)
{
	int fd = atomic_exchange(&h->fd, -1);

	if (is_held(h, fd))
		next.close(fd);
}

/* Opens the directory if others cannot write there. 0, a negative errno, or NOT_OURS. */
static int open_directory(const char *dir)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = next.open(dir, flags), ret;
	struct stat st;

	if (fd < 0 && errno == ENOENT && (!mkdir(dir, 0700) || errno == EEXIST))
		fd = next.open(dir, flags);
	if (fd < 0)
		return -errno;
	ret = hold(&directory, fd, &st);
	if (!ret && (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)))
		ret = NOT_OURS;
	return ret;
}

/* Does the file system keep the room of the new file @fd for good (room.h)? */
static bool keeps_room(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) && room_is_kept(st.f_type) &&
	       next_ioctl(fd, FICLONE, (void *)(intptr_t)fd) < 0;
}

/*
 * Gives the file its blocks: by writing them where the file system has no fallocate() (ext2, ramfs)
 * or a signal has ended it (tmpfs).
 */
static int allocate(int fd, size_t size)
{
	static const char zeros[4096];

	if (!fallocate(fd, 0, 0, size))
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return -errno;
	for (size_t at = 0; at < size; at += sizeof(zeros)) {
		ssize_t n = pwrite(fd, zeros, sizeof(zeros), at);

		if (n != sizeof(zeros))
			return n < 0 ? -errno : -ENOSPC;
	}
	return 0;
}

/*
 * allocate() without SIGXFSZ, which the kernel sends to a thread that exceeds RLIMIT_FSIZE. Another
 * thread may lower the limit after this thread has asked for it.
 */
static int allocate_quietly(int fd, size_t size)
{
	const struct timespec now = { 0 };
	sigset_t xfsz, was, pending;
	struct rlimit lim;
	int ret;

	if (!getrlimit(RLIMIT_FSIZE, &lim) && lim.rlim_cur < size)
		return -EFBIG;
	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	sigemptyset(&pending);
	next.pthread_sigmask(SIG_BLOCK, &xfsz, &was);
	/* A SIGXFSZ of the program's own can be pending only while the program blocks it. */
	if (sigismember(&was, SIGXFSZ))
		sigpending(&pending);
	ret = allocate(fd, size);
	if (ret == -EFBIG && !sigismember(&pending, SIGXFSZ))
		sigtimedwait(&xfsz, NULL, &now);
	next.pthread_sigmask(SIG_SETMASK, &was, NULL);
	return ret;
}

/* Maps the new file @fd, with all its blocks. 0 or a negative errno. */
static int map_file(int fd, size_t size)
{
	const size_t step = page_size();
	struct stat st;
	void *at;
	int ret;

	ret = hold(&file, fd, &st);
	if (ret)
		return ret;
	/* Mapped at once, while the number surely is the new file's. */
	ret = next_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, &at);
	if (ret)
		return ret;
	atomic_store(&mapped, at);
	if (!is_held(&file, fd))
		return -EBADF;
	if (!keeps_room(fd))
		return -EOPNOTSUPP;
	ret = allocate_quietly(fd, size);
	/*
	 * The first stores are made here: a file system may be slow at them, and a thread that
	 * stores into a table holds a lock.
	 */
	for (size_t n = 0; !ret && n < offsetof(struct publish_status, events); n += step)
		((volatile char *)at)[n] = 0;
	return ret;
}

static int make_file(size_t size)
{
	int dir = atomic_load(&directory.fd), fd, ret;
	struct timespec now;
	char name[64];

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof(name), "%d-%lld.%09ld" STATUS_SUFFIX, (int)sandbox_pid(),
		 (long long)now.tv_sec, now.tv_nsec);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (fd < 0)
		return -errno;
	ret = map_file(fd, size);
	if (ret && is_held(&directory, dir))
		unlinkat(dir, name, 0);
	let_go(&file);
	return ret;
}

/* When the process started, as /proc/PID/stat has it; 0: that cannot be read. */
static uint64_t own_start(void)
{
	char text[1024], *at = NULL;
	int fd = sandbox_may(MAY_PROC) ? next.open("/proc/self/stat", O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	uint64_t start = 0;

	if (fd >= 0)
		next.close(fd);
	if (n > 0) {
		text[n] = '\0';
		/* The name may have blanks and parentheses. 20 fields come between. */
		at = strrchr(text, ')');
	}
	for (int i = 0; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	for (at = at ? at + 1 : NULL; at && *at >= '0' && *at <= '9'; at++)
		start = start * 10 + (*at - '0');
	return start;
}

static bool is_wish(int fd, const struct stat *st, struct status_wish *w)
{
	return S_ISREG(st->st_mode) && read(fd, w, sizeof(*w)) == sizeof(*w) &&
	       w->order == STATUS_ORDER;
}

static bool is_for_us(const struct stat *st, const struct status_wish *w)
{
	return (st->st_uid == geteuid() || !st->st_uid) &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH)) && w->start && w->start == own_start();
}

/* What primeshim set has asked for before there was a status file, or @policy. */
static uint32_t wished(uint32_t policy)
{
	int dir = atomic_load(&directory.fd), fd;
	unsigned int mode = STATUS_MODE(policy), sync = STATUS_SYNC(policy);
	struct status_wish w;
	struct stat st;
	char name[32];
	bool wish;

	snprintf(name, sizeof(name), "%d" STATUS_WISH, (int)sandbox_pid());
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || hold(&file, fd, &st) < 0)
		return policy;
	wish = is_wish(fd, &st, &w);
	if (wish && is_for_us(&st, &w)) {
		if (STATUS_MODE(w.policy) != STATUS_AS_IS)
			mode = STATUS_MODE(w.policy);
		if (STATUS_SYNC(w.policy) != STATUS_AS_IS &&
		    settings_may_be(STATUS_POLICY(MODE_OFF, STATUS_SYNC(w.policy))))
			sync = STATUS_SYNC(w.policy);
	}
	let_go(&file);
	if (wish && is_held(&directory, dir))
		unlinkat(dir, name, 0);
	return settings_may_be(STATUS_POLICY(mode, sync)) ? STATUS_POLICY(mode, sync) : policy;
}

int publish_file(const char *dir, struct publish_status **out, uint32_t *policy)
{
	const size_t size = page_round(sizeof(**out));
	int ret = open_directory(dir);

	if (!ret)
		ret = make_file(size);
	if (!ret)
		*policy = wished(*policy);
	let_go(&directory);
	*out = atomic_load(&mapped);
	if (!ret || !*out)
		return ret;
	atomic_store(&mapped, NULL);
	next.munmap(*out, size);
	return ret;
}

void publish_file_done(void)
{
	atomic_store(&mapped, NULL);
}

void publish_file_forked(void)
{
	void *at = atomic_exchange(&mapped, NULL);

	let_go(&file);
	let_go(&directory);
	if (at)
		next.munmap(at, page_round(sizeof(struct publish_status)));
}
