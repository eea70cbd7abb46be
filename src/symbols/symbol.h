// SPDX-License-Identifier: MIT
/*
 * How the functions that primeshim defines are written, and the way from them to a hook.
 *
 * The functions have names of their own in C and libc's names in the object. So no header of libc
 * can turn one into another (mmap into mmap64, ioctl into __ioctl_time64). A variadic function can
 * be defined with its one argument, which arrives in the same place. If a caller left the argument
 * out, the shim passes on the rubbish that libc's own va_arg() would have found.
 *
 * A file with such functions includes all headers of the shim with hidden visibility, or the
 * compiler would look the shim's own symbols up in a table of addresses, as another object might
 * define them.
 */
#ifndef PRIMESHIM_SYMBOL_H
#define PRIMESHIM_SYMBOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/lock.h"

/* The tests link this file into programs, with other names for the functions. */
#ifndef SYMBOL_PREFIX
#define SYMBOL_PREFIX ""
#define PRELOADED 1
#else
#define PRELOADED 0
#endif

#define EXPORT(type, name, ...)							\
	__attribute__((visibility("default")))					\
	type shim_##name(__VA_ARGS__) __asm__(SYMBOL_PREFIX #name);		\
	type shim_##name(__VA_ARGS__)

/* Another libc name for the same function. */
#define ALIAS(type, name, target, ...)						\
	__attribute__((visibility("default"), alias(SYMBOL_PREFIX #target)))	\
	type shim_##name(__VA_ARGS__) __asm__(SYMBOL_PREFIX #name)

#define any(counter)	atomic_load_explicit(&(counter), memory_order_relaxed)

/* The way to a hook is out of line, so the way past it needs no stack. */
#define FAST static inline __attribute__((always_inline))
#define SLOW static __attribute__((noinline, cold))

struct border {
	int saved;
	struct inside in;
};

/*
 * The way to a hook. False in a signal handler that interrupted the holder of a lock, and in a
 * child or a sandbox without records: the call then goes straight on.
 */
bool enter(struct border *b);
/* The way back, for the result of a hook: a negative errno becomes -1 and errno. */
int leave(const struct border *b, int ret);

#endif
