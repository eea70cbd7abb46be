// SPDX-License-Identifier: MIT
/*
 * How a holder keeps signals and cancellation out, and how other threads wait for a lock; see
 * lock.h.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/bionic.h"
#include "kernel/sandbox.h"
#include "lock.h"

/* The layout of time that the system call reads, whatever libc's timespec is. */
#ifdef SYS_futex
struct futex_time { long s, ns; };
#else
#define SYS_futex SYS_futex_time64	/* 32-bit ports since 5.1 have no SYS_futex */
struct futex_time { int64_t s, ns; };
#endif

#define FOR_EVER	UINT_MAX

__thread volatile sig_atomic_t locks_held;
__thread bool lock_holds_signals;
atomic_bool lock_blocks_signals;

lock_seen_fn *lock_taken, *lock_releasing;

/* Weak symbols: a dlsym() that finds nothing would allocate memory for its message. */
extern void __tsan_acquire(void *lock) __attribute__((weak));
extern void __tsan_release(void *lock) __attribute__((weak));

void lock_init(void)
{
	lock_taken = __tsan_acquire;
	lock_releasing = __tsan_release;
}

/*
 * The program's signal mask in the kernel's layout (_NSIG / 8 bytes), and how many
 * signals_restore() are to come.
 */
static __thread uint64_t mask;
static __thread unsigned int depth;

bool signals_block(void)
{
	const uint64_t all = ~UINT64_C(0);
	uint64_t was;

	if (!depth) {
		if (!sandbox_may(MAY_SIGPROCMASK) ||
		    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &was, sizeof(was)) < 0)
			return false;
		mask = was;
	}
	depth++;
	return true;
}

void signals_restore(void)
{
	const uint64_t was = mask;

	/*
	 * A seccomp filter that was installed meanwhile may have kept outside_end() from blocking
	 * the signals again: @depth is 0 then.
	 */
	if (depth && !--depth)
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &was, NULL, sizeof(was));
}

bool signals_mask(uint64_t *program)
{
	*program = mask;
	return depth;
}

/* The hook that this thread is in, or NULL. */
static __thread const struct inside *inside;

void inside_begin(struct inside *in)
{
	/* The signals come first: a handler that ran after the next line might leave by a jump. */
	in->signals = signals_hold();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &in->cancel);
	inside = in;
}

void inside_end(const struct inside *in)
{
	inside = NULL;
	pthread_setcancelstate(in->cancel, NULL);
	signals_release(in->signals);
}

struct outside outside_begin(bool program)
{
	struct outside out = { .in = inside, .depth = depth, .type = -1 };

	inside = NULL;
	if (out.in && !program)
		pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &out.type);
	if (out.in)
		pthread_setcancelstate(out.in->cancel, NULL);
	if (depth) {
		depth = 1;
		signals_restore();
	}
	return out;
}

void outside_end(const struct outside *out)
{
	if (out->depth && signals_block())
		depth = out->depth;
	if (out->in)
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	if (out->type >= 0)
		pthread_setcanceltype(out->type, NULL);
	inside = out->in;
}

void word_wait(atomic_uint *word, unsigned int seen, unsigned int ms)
{
	const struct futex_time limit = { ms / 1000, ms % 1000 * 1000000L };

	/*
	 * The shim makes this call in a sandbox, too: other threads exist, and they cannot wait
	 * without it.
	 */
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, ms == FOR_EVER ? NULL : &limit, NULL, 0);
}

void word_wake(atomic_uint *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/*
 * The word stays 2 while a thread may be waiting, so every holder but the last one wakes the next.
 */
static bool wait_for(struct lock *l, unsigned int ms)
{
	while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire)) {
		if (!ms)
			return false;
		word_wait(&l->word, 2, ms == FOR_EVER ? ms : 1);
		ms -= ms != FOR_EVER;
	}
	return true;
}

void lock_wait(struct lock *l)
{
	int saved = errno;

	wait_for(l, FOR_EVER);
	errno = saved;
}

void lock_wake(struct lock *l)
{
	int saved = errno;

	syscall(SYS_futex, &l->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}

bool lock_take_within(struct lock *l, unsigned int ms)
{
	unsigned int free = 0;

	if (!locks_held)
		lock_holds_signals = signals_hold();
	locks_held++;
	/*
	 * The first attempt does not set the word to 2: the holder would make a system call to wake
	 * nobody.
	 */
	if (atomic_compare_exchange_strong_explicit(&l->word, &free, 1, memory_order_acquire,
						    memory_order_relaxed) || wait_for(l, ms))
		return true;
	locks_held--;
	if (!locks_held)
		signals_release(lock_holds_signals);
	return false;
}
