// SPDX-License-Identifier: MIT
/*
 * Touches of pages that guard.h has made PROT_NONE; see trap.h.
 *
 * What runs in the handler allocates nothing and takes no lock but ours, under which this mode has
 * every signal blocked (lock.h). backtrace() allocates the first time, as it loads the unwinder: so
 * it is called once at the start. From then on it reads the stack and the list of loaded objects;
 * dladdr() does, too. In older glibc both take the loader's lock, which is recursive, and nobody
 * touches a dma-buf with it held who would not have to be waited for anyway.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/lock.h"
#include "kernel/readable.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "settings/log.h"
#include "settings/settings.h"
#include "state/descriptor.h"
#include "state/mapping.h"
#include "sync.h"
#include "trap.h"

#define NSIGNALS	_NSIG
#define NPLACES		256	/* of different ones; more are counted, and not told */
#define DEPTH		24	/* frames of a backtrace, ours and the kernel's among them */
#define LONG_ENOUGH	1000	/* touches of an open page, one after the other */
/* What the kernel reads of a mask. */
#define MASK_BYTES	(sizeof(sigset_t) < NSIGNALS / 8 ? sizeof(sigset_t) : NSIGNALS / 8)

enum access { UNKNOWN, READING, WRITING };

bool trapping;

static int (*unwind)(void **frames, int depth);		/* backtrace() */
static int (*find_symbol)(const void *addr, Dl_info *info);	/* dladdr() */

/* What the program has set for SIGSEGV; under buffers_lock(). */
static struct sigaction theirs;

/* Is SIGSEGV in the mask of the program's handler of that other signal? Under buffers_lock(). */
static bool masked_by[NSIGNALS];

/* Of this thread: has the program SIGSEGV blocked, and has it been sent one since? */
static __thread bool blocked, pending;

/* The address that this thread found to be open, and how often. */
static __thread struct {
	const void *addr;
	unsigned long times;
} open_page;

static atomic_uintptr_t places[NPLACES];
static atomic_ulong place_count;

static void *pc_of(const ucontext_t *c)
{
#if defined(__x86_64__)
	return (void *)c->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
	return (void *)c->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
	return (void *)c->uc_mcontext.pc;
#elif defined(__arm__)
	return (void *)c->uc_mcontext.arm_pc;
#elif defined(__riscv)
	return (void *)c->uc_mcontext.__gregs[REG_PC];
#elif defined(__s390x__)
	return (void *)c->uc_mcontext.psw.addr;
#else
	(void)c;
	return NULL;
#endif
}

static enum access access_of(const ucontext_t *c)
{
#if defined(__x86_64__) || defined(__i386__)
	return c->uc_mcontext.gregs[REG_ERR] & 2 ? WRITING : READING;	/* X86_PF_WRITE */
#elif defined(__aarch64__)
	const struct _aarch64_ctx *r = (const void *)c->uc_mcontext.__reserved;

	/* One of the records that follow the registers; the last one has no size. */
	while (r->size && r->magic != ESR_MAGIC)
		r = (const void *)((const char *)r + r->size);
	if (!r->size)
		return UNKNOWN;
	return ((const struct esr_context *)r)->esr & 1 << 6 ? WRITING : READING;	/* WnR */
#elif defined(__arm__)
	return c->uc_mcontext.error_code & 1 << 11 ? WRITING : READING;	/* FSR_WRITE */
#else
	(void)c;
	return UNKNOWN;
#endif
}

static bool allowed(const struct mapping *m, enum access access)
{
	return m->prot & (access == UNKNOWN ? PROT_READ | PROT_WRITE :
			  access == WRITING ? PROT_WRITE : PROT_READ);
}

/* Is this the first touch from there? */
static bool new_place(uintptr_t key)
{
	for (unsigned int i = 0; i < NPLACES; i++) {
		uintptr_t free = 0;

		if (atomic_compare_exchange_strong(&places[i], &free, key)) {
			atomic_fetch_add(&place_count, 1);
			return true;
		}
		if (free == key)
			return false;
	}
	return false;
}

static void tell_frame(int n, const void *pc)
{
	const char *call = n ? (const char *)pc - 1 : pc;	/* else a return address */
	Dl_info at = { 0 };

	if (!find_symbol || !find_symbol(call, &at) || !at.dli_fname)
		log_always("  #%d %p", n, pc);
	else if (at.dli_sname)
		log_always("  #%d %s+0x%tx (%s+0x%tx)", n, at.dli_fname,
			   call - (const char *)at.dli_fbase, at.dli_sname,
			   call - (const char *)at.dli_saddr);
	else
		log_always("  #%d %s+0x%tx", n, at.dli_fname, call - (const char *)at.dli_fbase);
}

/* Logs @touch with its backtrace, if it comes from a new place. */
static void report_touch(const char *touch, const ucontext_t *c)
{
	void *frames[DEPTH] = { pc_of(c) };
	int n = unwind ? unwind(frames, DEPTH) : 1, first = 0;
	uintptr_t key = 0;

	/* Ours and the kernel's come before the place itself. */
	while (first < n && frames[first] != pc_of(c))
		first++;
	/* The unwinder may not find its way past the kernel's. */
	if (first >= n) {
		frames[0] = pc_of(c);
		first = 0;
		n = 1;
	}
	/* A place is the instruction and who called its function, as that may be memcpy(). */
	for (int i = first; i < n && i < first + 2; i++)
		key = key * 31 + (uintptr_t)frames[i];
	if (!new_place(key | 1))
		return;
	log_always("%s", touch);
	for (int i = first; i < n; i++)
		tell_frame(i - first, frames[i]);
}

/* False if the fault has nothing to do with us. */
static bool touched(const void *addr, const ucontext_t *c)
{
	enum access access = access_of(c);
	enum touch touch;
	struct mapping m;
	uint64_t ino = 0;
	char line[192];
	bool ours;

	buffers_lock();
	ours = mapping_at((uintptr_t)addr, 1, &m) && allowed(&m, access);
	if (ours) {
		m.buffer->refs++;
		ino = m.buffer->ino;
		snprintf(line, sizeof(line), "%s page %llu of a dma-buf of %s, inode %llu, ",
			 access == UNKNOWN ? "touched" : access == WRITING ? "wrote" : "read",
			 (unsigned long long)((uintptr_t)addr - m.start) / sysconf(_SC_PAGESIZE),
			 buffer_exporter(m.buffer), (unsigned long long)m.buffer->ino);
	}
	buffers_unlock();
	if (!ours)
		return false;
	touch = sync_touched(m.buffer);
	if (touch == TOUCH_CPU) {
		/* Another thread was here before us, unless the page is closed by other means. */
		open_page.times = open_page.addr == addr ? open_page.times + 1 : 0;
		open_page.addr = addr;
		sched_yield();
		return open_page.times < LONG_ENOUGH;
	}
	open_page.addr = NULL;
	stat_inc(STAT_TOUCHED);
	publish_event((struct status_event){ .kind = EVENT_TOUCH, .ino = ino,
					     .addr = (uintptr_t)addr });
	strcat(line, touch == TOUCH_DEVICE ? "which is the device's: no begin" :
	       "which is busy: mapped, and not waited for");
	report_touch(line, c);
	return true;
}

static void pass_on(int sig, siginfo_t *info, void *c)
{
	bool sent = info->si_code <= 0;
	struct sigaction act = { .sa_handler = SIG_DFL };

	if (sent && blocked) {
		pending = true;
		return;
	}
	if (!trapping) {
		/* A child without records, in which nobody lets the lock go. */
		act = theirs;
	} else if (!lock_held()) {
		buffers_lock();
		act = theirs;
		if (theirs.sa_flags & (int)SA_RESETHAND)
			theirs.sa_handler = SIG_DFL;
		buffers_unlock();
	}
	if (sent && act.sa_handler == SIG_IGN)
		return;
	if (act.sa_handler != SIG_DFL && act.sa_handler != SIG_IGN && !blocked) {
		if (act.sa_flags & SA_SIGINFO)
			act.sa_sigaction(sig, info, c);
		else
			act.sa_handler(sig);
		return;
	}
	/* A fault happens again, with nobody there to catch it. */
	act = (struct sigaction){ .sa_handler = SIG_DFL };
	next.sigaction(sig, &act, NULL);
	if (sent)
		syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), sig);
}

static bool (*forked_unseen)(void);

static void caught(int sig, siginfo_t *info, void *c)
{
	int saved = errno;
	bool ours;

	/* The first that a child does may be a touch. */
	if (trapping && !lock_held() && descriptors_orphaned())
		forked_unseen();
	ours = trapping && info->si_code == SEGV_ACCERR && !lock_held() &&
	       touched(info->si_addr, c);

	errno = saved;
	if (!ours)
		pass_on(sig, info, c);
}

/* Our handler in the place of @act. Nested, as the program's own may touch a page as well. */
static int install(const struct sigaction *act)
{
	struct sigaction ours = *act;

	ours.sa_sigaction = caught;
	ours.sa_flags = (act->sa_flags & ~(int)SA_RESETHAND) | SA_SIGINFO | SA_NODEFER;
	sigdelset(&ours.sa_mask, SIGSEGV);
	return next.sigaction(SIGSEGV, &ours, NULL) < 0 ? -errno : 0;
}

static int set_theirs(const struct sigaction *act, struct sigaction *old)
{
	struct sigaction now, before;
	int ret;

	if (act) {
		now = *act;
		ret = install(&now);
		if (ret < 0)
			return ret;
	}
	buffers_lock();
	before = theirs;
	if (act)
		theirs = now;
	buffers_unlock();
	if (old)
		*old = before;
	return 0;
}

int trap_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction now;
	bool was, mask;

	if (sig == SIGSEGV)
		return set_theirs(act, old);
	/* libc refuses what is no signal before it reads @act. */
	if (next.sigaction(sig, NULL, NULL) < 0)
		return -errno;
	if (act) {
		now = *act;
		mask = sigismember(&now.sa_mask, SIGSEGV) == 1;
		sigdelset(&now.sa_mask, SIGSEGV);
	}
	if (next.sigaction(sig, act ? &now : NULL, old) < 0)
		return -errno;
	/* It is a signal, as that has worked. */
	buffers_lock();
	was = masked_by[sig];
	if (act)
		masked_by[sig] = mask;
	buffers_unlock();
	if (old && was)
		sigaddset(&old->sa_mask, SIGSEGV);
	return 0;
}

int trap_sigmask(sigmask_fn *native, int how, const sigset_t *set, sigset_t *old)
{
	bool was = blocked, given = false;
	sigset_t now;
	int ret;

	/* A mask may be as short as the kernel's. The kernel refuses a mask that it cannot read. */
	if (set && !readable(set, MASK_BYTES))
		return native(how, set, old);
	if (set) {
		sigemptyset(&now);
		memcpy(&now, set, MASK_BYTES);
		given = sigismember(&now, SIGSEGV) == 1;
		if (how != SIG_UNBLOCK)
			sigdelset(&now, SIGSEGV);
	}
	ret = native(how, set ? &now : NULL, old);
	if (ret)
		return ret;
	if (old && was)
		sigaddset(old, SIGSEGV);
	if (set && how == SIG_SETMASK)
		blocked = given;
	else if (set && given)
		blocked = how == SIG_BLOCK;
	if (pending && !blocked) {
		pending = false;
		syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), SIGSEGV);
	}
	return 0;
}

void trap_init(bool (*unseen)(void))
{
	sigset_t segv, was;
	void *frame;

	forked_unseen = unseen;
	*(void **)&unwind = next_before_us("backtrace");
	*(void **)&find_symbol = next_before_us("dladdr");
	if (unwind)
		unwind(&frame, 1);
	if (next.sigaction(SIGSEGV, NULL, &theirs) < 0 || install(&theirs) < 0) {
		log_always("PRIMESHIM_SYNC=trap: no handler for SIGSEGV: %s", log_errno(-errno));
		return;
	}
	sigemptyset(&segv);
	sigaddset(&segv, SIGSEGV);
	next.sigprocmask(SIG_UNBLOCK, &segv, &was);
	blocked = sigismember(&was, SIGSEGV) == 1;
	lock_blocks_signals = trapping = true;
}

void trap_log(void)
{
	log_always("trap: %lu touches without a begin or a wait, at %lu places",
		   (unsigned long)stat_get(STAT_TOUCHED), atomic_load(&place_count));
}
