/* SPDX-License-Identifier: MIT */
/*
 * The locks over what is remembered. Whoever holds one may not wait, log, or call a driver.
 *
 *   making      (files.c)       that one open file is not recorded as two
 *   numbers     (descriptor.c)  that a private descriptor's number is not the program's as well
 *   descriptors (descriptor.c)  which descriptor is which open file
 *   file->lock  (file.h)        imports and offsets of one open DRM file
 *   buffers     (buffer.c)      dma-bufs and mappings, which files share
 *
 * Taken in this order. Beneath them each pool (pool.c) has one of its own, and last of all pages.c;
 * neither is taken alone. Only "numbers" is held over a call of the program's (fd_hooks.c).
 *
 * A lock is a word of ours and no pthread_mutex_t: the child of a fork that no atfork handler saw
 * has to ask whether another thread held it (fork.c), and a thread that exits may not wait for
 * ever.
 *
 * A signal handler may leave by exit(), siglongjmp() or execve(), and would leave a lock taken that
 * it interrupted the holder of. So a holder has all signals blocked from the moment on that the
 * program has a handler (lock_blocks_signals). Of a handler that was set by a raw system call the
 * shim does not know: lock_held() tells that one has interrupted a holder, and the hooks then leave
 * the records alone.
 */
#ifndef PRIMESHIM_LOCK_H
#define PRIMESHIM_LOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

/* In the constructor. */
void lock_init(void);

/* Zeroed, it is free. */
struct lock {
	atomic_uint word;	/* 0 free, 1 taken, 2 taken and perhaps waited for */
};

/* How many of them this thread holds or is about to take. */
extern __thread volatile sig_atomic_t locks_held
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool lock_held(void)
{
	return locks_held;
}

/* Never taken back: relaxed, as a thread heeds it from its next lock on. */
extern atomic_bool lock_blocks_signals;

/*
 * Around what takes several locks, one after the other, so that the signals are blocked once for
 * all of them: signals_hold() says whether signals_release() has something to do. These nest.
 * Nothing between the two may wait, but in an outside_begin().
 */
bool signals_block(void);
void signals_restore(void);

/*
 * A hook begins and ends: nothing is cancelled in it, and it holds the signals. @cancel: the state
 * that the program has.
 */
struct inside {
	int cancel;
	bool signals;
};
void inside_begin(struct inside *in);
void inside_end(const struct inside *in);

/*
 * Amid a hook, and with no lock held: the program's own call (@program), or one of ours that may
 * wait. Signals and cancellation are as the program has them, so a handler may leave by a jump and
 * never come back. But a thread that may be cancelled anywhere is not cancelled in a call of ours,
 * which natively is not there: what it was at would be left undone.
 */
struct outside {
	const struct inside *in;
	unsigned int depth;
	int type;		/* of cancellation; -1: it has not been changed */
};
struct outside outside_begin(bool program);
void outside_end(const struct outside *out);

static inline bool signals_hold(void)
{
	return atomic_load_explicit(&lock_blocks_signals, memory_order_relaxed) && signals_block();
}

static inline void signals_release(bool held)
{
	if (held)
		signals_restore();
}

/* lock.c: where the lock is not free, and where somebody waits for it. */
void lock_wait(struct lock *l);
void lock_wake(struct lock *l);

/* Has this thread's first lock blocked the signals? */
extern __thread bool lock_holds_signals
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * ThreadSanitizer's, where the program is built with it: it sees the functions of libc that we
 * call, and not our locks, unless it is told. Else NULL.
 */
typedef void lock_seen_fn(void *lock);
extern lock_seen_fn *lock_taken, *lock_releasing;

static inline void lock_take(struct lock *l)
{
	unsigned int free = 0;

	if (!locks_held)
		lock_holds_signals = signals_hold();
	locks_held++;
	/* Acquire: pairs with the release of who had it before. */
	if (!atomic_compare_exchange_strong_explicit(&l->word, &free, 1, memory_order_acquire,
						     memory_order_relaxed))
		lock_wait(l);
	if (lock_taken)
		lock_taken(l);
}

static inline void lock_release(struct lock *l)
{
	if (lock_releasing)
		lock_releasing(l);
	if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2)
		lock_wake(l);
	locks_held--;
	if (!locks_held)
		signals_release(lock_holds_signals);
}

/* The same, given up after @ms milliseconds: false. */
bool lock_take_within(struct lock *l, unsigned int ms);

/* Does nobody hold it? For a process that has but one thread. */
static inline bool lock_free(const struct lock *l)
{
	return !atomic_load_explicit(&l->word, memory_order_relaxed);
}

/* Wait until @word is not @seen any more, or for @ms milliseconds; futex(2). */
void word_wait(atomic_uint *word, unsigned int seen, unsigned int ms);
void word_wake(atomic_uint *word);

#endif
