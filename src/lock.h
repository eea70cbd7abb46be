/* SPDX-License-Identifier: MIT */
/*
 * The locks over what is remembered. Whoever holds one may not wait, log, or call a driver.
 *
 *   making      (file.c)        that one open file is not recorded as two
 *   descriptors (descriptor.c)  which descriptor is which open file
 *   file->lock  (file.h)        imports and offsets of one open DRM file
 *   buffers     (buffer.c)      dma-bufs and mappings, which files share
 *
 * Taken in this order. Beneath them a pool (pool.c) has one of its own, never taken alone.
 *
 * close(), dup2() and others may be called by a signal handler, which may have interrupted a holder
 * of one of these locks: lock_held() tells it, and it then leaves our records alone. A touch of a
 * page that is shut (trap.h) cannot be left alone: in that mode a holder has every signal blocked.
 */
#ifndef PRIMESHIM_LOCK_H
#define PRIMESHIM_LOCK_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* How many of them this thread holds or is about to take. */
extern __thread volatile sig_atomic_t locks_held
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline bool lock_held(void)
{
	return locks_held;
}

extern bool lock_blocks_signals;

/* lock.c: block every signal, and have them as they were before. */
void lock_signals_block(void);
void lock_signals_restore(void);

static inline void lock_take(pthread_mutex_t *lock)
{
	if (lock_blocks_signals && !locks_held)
		lock_signals_block();
	locks_held++;
	pthread_mutex_lock(lock);
}

static inline void lock_release(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
	locks_held--;
	if (lock_blocks_signals && !locks_held)
		lock_signals_restore();
}

#endif
