// SPDX-License-Identifier: MIT
/* Can the program's memory be read, or written? See readable.h. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include <linux/futex.h>

#include "next.h"
#include "readable.h"
#include "sandbox.h"

/*
 * A value that hardly any word holds. A word that does hold it makes the wait begin, and its
 * time-out costs 50 us.
 */
#define UNLIKELY	0x5ca1ab1e

/* Sets no bit of the word, and compares the word with a value that it is unlikely to hold. */
#define CHANGE_NOTHING	FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, -1357)

/*
 * A wait that does not begin: futex_wait_setup() reads the word first, and says EAGAIN where the
 * word differs (2.6.22 to 7.3).
 */
static int ask_read(uint32_t *word)
{
	static const struct timespec now;

	return next.futex(word, FUTEX_WAIT_PRIVATE, UNLIKELY, &now, NULL, 0);
}

/*
 * futex_wake_op() changes the word atomically, so the kernel makes its page writable (2.6.22 to
 * 7.3). It wakes one waiter of the first word, and there is none. Where the comparison holds it
 * also wakes one waiter of the second word, in vain.
 */
static int ask_write(uint32_t *word)
{
	static uint32_t nobody;

	return next.futex(&nobody, FUTEX_WAKE_OP_PRIVATE, 0, NULL, word, CHANGE_NOTHING);
}

static int ask(int (*ask_word)(uint32_t *word), const void *at, size_t size)
{
	/* A futex is aligned; the word around a byte is on the byte's page. */
	uintptr_t word = (uintptr_t)at & ~(uintptr_t)3, last = (uintptr_t)at + size - 1;

	if (!size)
		return 1;
	if (last < (uintptr_t)at)
		return 0;
	if (!sandbox_may(MAY_FUTEX))
		return -EPERM;
	for (;;) {
		/* EINTR interrupts a wait, which began after the kernel had read the word. */
		if (ask_word((uint32_t *)word) < 0 && errno != EAGAIN && errno != ETIMEDOUT &&
		    errno != EINTR)
			return errno == EFAULT ? 0 : -errno;
		word |= 4095;
		if (word >= last)
			return 1;
		word++;
	}
}

int ask_readable(const void *at, size_t size)
{
	return ask(ask_read, at, size);
}

int ask_writable(const void *at, size_t size)
{
	return ask(ask_write, at, size);
}
