// SPDX-License-Identifier: MIT
/*
 * Making the shared page, and the process's own part of it; see publish.h. publish_tables.c has the
 * tables.
 *
 * Nobody else's file is written: the folder is this user's and closed to others, and the file new.
 * Its blocks are allocated before it is mapped, as a full disk would make a later touch SIGBUS.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bionic.h"
#include "buffer.h"
#include "descriptor.h"
#include "lock.h"
#include "log.h"
#include "next.h"
#include "page.h"
#include "probes.h"
#include "publish.h"
#include "publish_page.h"
#include "settings.h"
#include "stats.h"

/* Of probes.h, which everybody may include. */
#ifdef HAVE_SYS_SDT_H
PROBE_SEMAPHORE(import);
PROBE_SEMAPHORE(map);
PROBE_SEMAPHORE(fallback);
PROBE_SEMAPHORE(begin);
PROBE_SEMAPHORE(end);
PROBE_SEMAPHORE(close);
#endif

/* First of all locks: one thread makes the page, and others wait for it. */
static struct lock opening;

_Atomic(struct publish_page *) publish_page;
static atomic_bool failed;	/* relaxed: at worst it is told twice */
static bool forked;

/* Of this thread; 0: to be asked. */
static __thread uint32_t thread __attribute__((tls_model("initial-exec")));

bool published(void)
{
	return publish_at();
}

uint64_t publish_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

uint32_t publish_thread(void)
{
	if (!thread)
		thread = syscall(SYS_gettid);
	return thread;
}

/* The folder, found to be ours alone; or a negative errno. */
static int open_folder(const char *dir)
{
	struct stat st;
	int fd = next.open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && (!mkdir(dir, 0700) || errno == EEXIST))
		fd = next.open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (next.fstat(fd, &st) < 0 || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		next.close(fd);
		return -EPERM;
	}
	return fd;
}

/* Room on the disk for all of it. Past RLIMIT_FSIZE there would be a SIGXFSZ. */
static int allocate(int fd, size_t size)
{
	struct rlimit lim;
	int ret;

	if (!getrlimit(RLIMIT_FSIZE, &lim) && lim.rlim_cur < size)
		return -EFBIG;
	ret = posix_fallocate(fd, 0, size);
	/* What glibc does where the file system cannot, and musl does not. */
	for (size_t at = 4095; (ret == EOPNOTSUPP || ret == EINVAL) && at < size; at += 4096)
		if (pwrite(fd, "", 1, at) != 1)
			return errno ? -errno : -EIO;
	return ret == EOPNOTSUPP || ret == EINVAL ? 0 : -ret;
}

/* A new file in the folder, mapped; or a negative errno with nothing left of it. */
static int make_file(const char *dir, void **out)
{
	const size_t size = page_round(sizeof(struct publish_page));
	int folder = open_folder(dir), fd, ret;
	struct timespec now;
	char name[64];

	if (folder < 0)
		return folder;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof(name), "%d-%lld.%09ld" SHARED_SUFFIX, (int)getpid(),
		 (long long)now.tv_sec, now.tv_nsec);
	fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ret = fd < 0 ? -errno : allocate(fd, size);
	if (!ret)
		ret = next_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0, out);
	if (ret < 0 && fd >= 0)
		unlinkat(folder, name, 0);
	if (fd >= 0)
		next.close(fd);
	next.close(folder);
	return ret;
}

static void read_command(char *command, size_t len)
{
	int fd = next.open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, command, len - 1) < 0)
		command[0] = '\0';
	next.close(fd);
}

static struct shared_section section(size_t offset, size_t stride, size_t n)
{
	return (struct shared_section){ .offset = offset, .stride = stride, .n = n };
}

#define SECTION(table)								\
	section(offsetof(struct publish_page, table), sizeof(((struct publish_page *)0)->table[0]), \
		sizeof(((struct publish_page *)0)->table) /				\
		sizeof(((struct publish_page *)0)->table[0]))

static void fill_head(struct shared_page *h)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	h->order = SHARED_ORDER;
	h->size = sizeof(struct publish_page);
	h->pid = getpid();
	h->ppid = getppid();
	h->bits = sizeof(void *) * 8;
	h->made_real = real.tv_sec * UINT64_C(1000000000) + real.tv_nsec;
	h->made = publish_now();
	snprintf(h->program, sizeof(h->program), "%s", program_invocation_short_name);
	read_command(h->command, sizeof(h->command));
	snprintf(h->shim, sizeof(h->shim), "%s", PACKAGE_VERSION);
	h->policy = h->start_policy = atomic_load_explicit(&settings.policy, memory_order_relaxed);
	h->forked = forked;
	h->names = SECTION(names);
	h->pairs = SECTION(pairs);
	h->buffers = SECTION(buffers);
	h->imports = SECTION(imports);
	h->mappings = SECTION(mappings);
	h->events = SECTION(events);
	h->version = SHARED_VERSION;
	/* Last, so that a reader never takes half a head for a whole one. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(h->magic, SHARED_MAGIC, sizeof(h->magic));
}

static void tell(int err)
{
	atomic_store_explicit(&failed, true, memory_order_relaxed);
	log_always("PRIMESHIM_DIR=%s: %s: no report of this process", settings.dir,
		   err == -EPERM ? "not a folder of this user's that others cannot write" :
		   err == -EFBIG ? "no file may be as large (ulimit -f)" : log_errno(err));
}

static void open_page(void)
{
	struct publish_page *p;
	void *at;
	int ret;

	ret = make_file(settings.dir, &at);
	if (ret < 0) {
		tell(ret);
		return;
	}
	p = at;
	fill_head(&p->head);
	buffers_lock();
	/* Release: whoever sees the page sees its head. */
	atomic_store_explicit(&publish_page, p, memory_order_release);
	stats_publish(p->head.counters);
	publish_all();
	buffers_unlock();
}

void publish_open(void)
{
	struct publish_page *p = publish_at();

	if (!settings.dir || atomic_load_explicit(&failed, memory_order_relaxed))
		return;
	/* A child that no atfork handler saw. */
	if (p && p->head.pid != (uint32_t)getpid() && !descriptors_borrowed())
		publish_forked();
	if (publish_at())
		return;
	lock_take(&opening);
	if (!publish_at())
		open_page();
	lock_release(&opening);
}

void publish_keep(void)
{
	lock_take(&opening);
}

void publish_unkeep(void)
{
	lock_release(&opening);
}

bool publish_free(void)
{
	return lock_free(&opening);
}

void publish_forked(void)
{
	struct publish_page *p = publish_at();

	if (!p)
		return;
	forked = true;
	thread = 0;
	atomic_store_explicit(&publish_page, NULL, memory_order_relaxed);
	stats_unpublish();
	next.munmap(p, page_round(sizeof(*p)));
}

void publish_follow(void)
{
	struct publish_page *p = publish_at();
	unsigned int now, is;

	if (!p)
		return;
	now = __atomic_load_n(&p->head.policy, __ATOMIC_RELAXED);
	is = atomic_load_explicit(&settings.policy, memory_order_relaxed);
	if (now == is || !settings_may_be(now) ||
	    !atomic_compare_exchange_strong_explicit(&settings.policy, &is, now,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	publish_event((struct shared_event){ .kind = EVENT_POLICY, .handle = now });
	log_line("mode %s, sync %s from here on", mode_text(now), sync_text(now));
}

void publish_event(struct shared_event e)
{
	struct publish_page *p = publish_at();
	struct shared_event *to;
	uint32_t number;

	if (!p)
		return;
	if (!e.at)
		e.at = publish_now();
	e.tid = publish_thread();
	number = __atomic_add_fetch(&p->head.events.used, 1, __ATOMIC_RELAXED);
	to = &p->events[(number - 1) % PUBLISH_EVENTS];
	__atomic_store_n(&to->seq, 0, __ATOMIC_RELAXED);
	/* The number is away before the rest changes, and back when it has. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy((char *)to + sizeof(to->seq), (char *)&e + sizeof(e.seq), sizeof(e) - sizeof(e.seq));
	__atomic_store_n(&to->seq, number, __ATOMIC_RELEASE);
}

void publish_end(void)
{
	struct publish_page *p = publish_at();

	if (!p || descriptors_borrowed() || p->head.pid != (uint32_t)getpid())
		return;
	publish_event((struct shared_event){ .kind = EVENT_EXIT });
	__atomic_store_n(&p->head.ended, publish_now(), __ATOMIC_RELAXED);
	__atomic_store_n(&p->head.state, SHARED_EXITED, __ATOMIC_RELEASE);
}
