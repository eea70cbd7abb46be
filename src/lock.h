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
 * of one of these locks: lock_held() tells it, and it then leaves our records alone.
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

static inline void lock_take(pthread_mutex_t *lock)
{
	locks_held++;
	pthread_mutex_lock(lock);
}

static inline void lock_release(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
	locks_held--;
}

#endif
