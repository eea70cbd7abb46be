/* SPDX-License-Identifier: MIT */
/*
 * Numbers that stand twice: in the process's own memory, where threads raise them, and in the
 * shared page, which others can write and which is therefore never read.
 */
#ifndef PRIMESHIM_SHOW_H
#define PRIMESHIM_SHOW_H

/*
 * Copies *(from), which the caller has just raised, to *(to) in the page. Two threads that do so at
 * once may store in the wrong order. So a thread that finds, after its store, another number in
 * *(from) stores again, and no older number stays in *(to).
 *
 * The fences: each thread raises, fences, stores, fences and loads. Of two threads the one whose
 * store comes last in *(to) thus loads what the other one has raised. A thread goes round only when
 * another has raised *(from), whatever others do to *(to).
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
