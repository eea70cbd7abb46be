/* SPDX-License-Identifier: MIT */
/*
 * Numbers that exist twice: in the process's own memory, where threads raise them, and in the
 * status file. The shim never reads the copy in the file, since other processes can write there.
 */
#ifndef PRIMESHIM_SHOW_H
#define PRIMESHIM_SHOW_H

/*
 * Copies *(from), which the caller has just raised, to *(to) in the status file. Two threads that
 * do so at once may store in the wrong order. So a thread that finds, after its store, another
 * number in *(from) stores again, and no older number stays in *(to).
 *
 * The fences: each thread raises, fences, stores, fences and loads. Of two threads, the thread
 * whose store comes last in *(to) thus loads the number that the other thread has raised. A thread
 * repeats the loop only when another has raised *(from), whatever other processes do to *(to).
 */
#define SHOW(to, from) do {						\
	__typeof__(*(from)) shown_;					\
	do {								\
		__atomic_thread_fence(__ATOMIC_SEQ_CST);		\
		shown_ = __atomic_load_n(from, __ATOMIC_RELAXED);	\
		__atomic_store_n(to, shown_, __ATOMIC_RELAXED);		\
		__atomic_thread_fence(__ATOMIC_SEQ_CST);		\
	} while (__atomic_load_n(from, __ATOMIC_RELAXED) != shown_);	\
} while (0)

#endif
