// SPDX-License-Identifier: MIT
/*
 * The status file and its head; see publish.h. publish_file.c makes the file, publish_tables.c has
 * the tables.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/bionic.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"
#include "publish.h"
#include "publish_status.h"
#include "settings/log.h"
#include "settings/settings.h"
#include "show.h"
#include "stats.h"

static atomic_int maker;	/* process that makes or has the status file; 0: none */
static atomic_bool failed;	/* relaxed: set once and for good */
static bool forked;
static struct publish_status *begun, *made;	/* of the thread that makes the file */

bool published(void)
{
	/* Relaxed: a caller that depends on the answer takes buffers_lock() and asks again. */
	return atomic_load_explicit(&maker, memory_order_relaxed);
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

/* Fills the fields of a new draft's head that no other thread changes. */
static void fill_head(struct status_file *h)
{
	struct timespec real;

	clock_gettime(CLOCK_REALTIME, &real);
	h->version = STATUS_VERSION;
	h->order = STATUS_ORDER;
	h->size = sizeof(struct publish_status);
	h->pid = sandbox_pid();
	h->ppid = getppid();
	h->bits = sizeof(void *) * 8;
	h->made_real = real.tv_sec * UINT64_C(1000000000) + real.tv_nsec;
	h->made = publish_now();
	snprintf(h->program, sizeof(h->program), "%s", program_invocation_short_name);
	read_command(h->command, sizeof(h->command));
	snprintf(h->shim, sizeof(h->shim), "%s", PACKAGE_VERSION);
	h->policy = h->start_policy = atomic_load_explicit(&settings.policy, memory_order_relaxed);
	h->forked = forked;
	h->direct = settings.direct;
}

void publish_failed(int err)
{
	atomic_store_explicit(&failed, true, memory_order_relaxed);
	log_always("PRIMESHIM_DIR=%s: %s: no report of this process", settings.dir,
		   err == SANDBOXED ? "a seccomp filter may forbid it" :
		   err == NOT_OURS ? "not a directory of this user's that others cannot write" :
		   err == -EFBIG ? "no file may be as large (ulimit -f)" :
		   err == -EOPNOTSUPP ? "its file system does not keep room for it, as a tmpfs or "
		   "ext4 does" : log_errno(err));
}

int publish_due(void)
{
	int pid;

	if (!settings.dir || atomic_load_explicit(&failed, memory_order_relaxed))
		return 0;
	pid = sandbox_pid();
	if (atomic_load_explicit(&maker, memory_order_relaxed) == pid)
		return 0;
	return sandbox_may(MAY_FILES) && pid ? pid : SANDBOXED;
}

int publish_begin(int pid)
{
	if (published())
		return 1;
	begun = publish_draft_begin();
	if (!begun)
		return -ENOMEM;
	atomic_store_explicit(&maker, pid, memory_order_relaxed);
	return 0;
}

int publish_make(void)
{
	fill_head(&begun->head);
	return publish_file(settings.dir, &made, &begun->head.policy);
}

void publish_made(int ret)
{
	struct publish_status *p = made;

	if (ret < 0) {
		atomic_store_explicit(&maker, 0, memory_order_relaxed);
		publish_draft_end();
		return;
	}
	publish_draft_copy(p);
	/* Release: other threads write into the file after that copy. */
	atomic_store_explicit(&publish_status, p, memory_order_release);
	publish_file_done();
	stats_publish(p->head.counters);
	/* The magic comes last, so a reader never takes half a file for a whole one. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(p->head.magic, STATUS_MAGIC, sizeof(p->head.magic));
}

void publish_forked(void)
{
	struct publish_status *p = publish_at();
	void *same;

	if (!atomic_exchange_explicit(&maker, 0, memory_order_relaxed))
		return;
	forked = true;
	publish_events_forked();
	stats_unpublish();
	publish_draft_end();
	publish_file_forked();
	/*
	 * A signal handler may have forked during a store into the file, and the child returns to
	 * that store. So the mapping is replaced, and not unmapped.
	 */
	if (p)
		next_mmap(p, page_round(sizeof(*p)), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, &same);
}

void publish_follow(void)
{
	struct publish_status *p = publish_at();
	unsigned int now, is;

	if (!p)
		return;
	/* The one word of the status file that the shim reads; any value may be there. */
	now = __atomic_load_n(&p->head.policy, __ATOMIC_RELAXED);
	is = atomic_load_explicit(&settings.policy, memory_order_relaxed);
	if (now == is || !settings_may_be(now) ||
	    !atomic_compare_exchange_strong_explicit(&settings.policy, &is, now,
						     memory_order_relaxed, memory_order_relaxed))
		return;
	publish_event((struct status_event){ .kind = EVENT_POLICY, .handle = now });
	log_line("mode %s, sync %s from here on", mode_text(now), sync_text(now));
}

void publish_kept(uint64_t bytes)
{
	struct publish_status *p = published() ? publish_at() : NULL;

	if (p)
		__atomic_store_n(&p->head.kept, bytes >> 10, __ATOMIC_RELAXED);
}

void publish_end(void)
{
	struct publish_status *p = publish_at();

	if (!p || atomic_load_explicit(&maker, memory_order_relaxed) != sandbox_pid())
		return;
	publish_event((struct status_event){ .kind = EVENT_EXIT });
	__atomic_store_n(&p->head.ended, publish_now(), __ATOMIC_RELAXED);
	__atomic_store_n(&p->head.state, STATUS_EXITED, __ATOMIC_RELEASE);
}
