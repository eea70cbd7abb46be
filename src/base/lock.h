/* SPDX-License-Identifier: MIT */
/*
 * The locks over the records. A thread that holds one may not wait, log, or call a driver.
 *
 *   lock                        what it guarantees or protects
 *   making      (file_table.c)  one open file gets one record, not two
 *   numbers     (descriptor.c)  a private descriptor's number is not the program's as well
 *   descriptors (descriptor.c)  which descriptor is which open file
 *   file->lock  (file.h)        imports and offsets of one open DRM file
 *   buffers     (buffer.c)      dma-bufs and mappings, which files share
 *
 * Threads take them in this order. Beneath them each pool (pool.c) has a lock of its own, and last
 * of all comes the lock of pages.c; neither is taken alone.
 *
 * There are three exceptions to the first sentence. What is kept of a mapping is unmapped with
 * "buffers" held (warm.c): a thread that maps over its place waits for that. fork() is called with
 * all of them (fork.c). "numbers" is held over the program's calls on numbers that may be private
 * (fd_hooks.c), and while dup2() waits for another thread's DMA_BUF_IOCTL_SYNC on such a number.
 *
 * A lock is a word and no pthread_mutex_t: the child of a fork() without atfork handlers has to ask
 * whether another thread held it (fork.c), and a thread that exits may not wait for ever.
 *
 * A signal handler may leave by exit(), siglongjmp() or execve(). If it interrupted the holder of a
 * lock, the lock would stay taken. So a holder has all signals blocked from the moment on that the
 * program has a handler (lock_blocks_signals). The shim does not know of a handler that was set by
 * a raw system call: lock_held() says that such a handler has interrupted a holder, and the hooks
 * then leave the records alone.
 */
#ifndef PRIMESHIM_LOCK_H
#define PRIMESHIM_LOCK_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* In the constructor. */
void lock_init(void);

/* A zeroed lock is free. */
struct lock {
	atomic_uint word;	/* 0 free, 1 taken, 2 taken and a thread may be waiting */
};

/* How many locks this thread holds or is about to take. */
extern __thread volatile sig_atomic_t locks_held
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool lock_held(void)
{
	return locks_held;
}

/* Set once and for good. Relaxed: a thread obeys it from its next lock on. */
extern atomic_bool lock_blocks_signals;

/*
 * Around code that takes several locks, one after the other: the signals are blocked once for all
 * of them. signals_hold() says whether signals_release() has to unblock them. The pairs nest. Code
 * between the two may wait only in an outside_begin().
 */
bool signals_block(void);
void signals_restore(void);

/* The signals that the program has blocked. False if the shim has blocked none in this thread. */
bool signals_mask(uint64_t *program);

/*
 * A hook begins and ends. In a hook no thread is cancelled, and signals are blocked where the
 * program has a handler. @cancel: the program's cancellation state.
 */
struct inside {
	int cancel;
	bool signals;
};
void inside_begin(struct inside *in);
void inside_end(const struct inside *in);

/*
 * Amid a hook and with no lock held: around the program's own call (@program), or a call of the
 * shim that may wait. Signals and cancellation are as the program has them, so a handler may leave
 * by a jump and never come back. But a thread with asynchronous cancellation is not cancelled
 * asynchronously in a call of the shim, which natively does not exist: the work under way would be
 * left undone.
 */
struct outside {
	const struct inside *in;
	unsigned int depth;
	int type;		/* type of cancellation; -1: unchanged */
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

/* lock.c: waits where the lock is not free; wakes a thread that waits. */
void lock_wait(struct lock *l);
void lock_wake(struct lock *l);

/* Has this thread's first lock blocked the signals? */
extern __thread bool lock_holds_signals
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * ThreadSanitizer's functions where the program is built with it, else NULL. ThreadSanitizer sees
 * the libc functions that the shim calls, and not the shim's locks, unless it is told of them.
 */
typedef void lock_seen_fn(void *lock);
extern lock_seen_fn *lock_taken, *lock_releasing;

static inline void lock_take(struct lock *l)
{
	unsigned int free = 0;

	if (!locks_held)
		lock_holds_signals = signals_hold();
	locks_held++;
	/* Acquire: pairs with the last holder's release. */
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

/* lock_take() that gives up after @ms milliseconds: false. */
bool lock_take_within(struct lock *l, unsigned int ms);

/* Is the lock free? For a process that has only one thread. */
static inline bool lock_free(const struct lock *l)
{
	return !atomic_load_explicit(&l->word, memory_order_relaxed);
}

/* Waits until @word differs from @seen, or for @ms milliseconds; futex(2). */
void word_wait(atomic_uint *word, unsigned int seen, unsigned int ms);
void word_wake(atomic_uint *word);

#endif
