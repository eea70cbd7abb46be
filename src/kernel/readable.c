// SPDX-License-Identifier: MIT
/* Can the program's memory be read, or written? See readable.h. */
#include "config.h"

#include <errno.h>
#include <time.h>

#include <linux/futex.h>

#include "next.h"
#include "readable.h"
#include "sandbox.h"

/* What no word is likely to hold: a wait for a word that holds it takes 50 us to time out. */
#define UNLIKELY	0x5ca1ab1e

/* Sets no bit of the word, and compares it with what it is not likely to be. */
#define CHANGE_NOTHING	FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, -1357)

/*
 * A wait that does not begin: futex_wait_setup() reads the word first, and says EAGAIN if it holds
 * something else (2.6.22 to 7.3).
 */
static int ask_read(uint32_t *word)
{
	static const struct timespec now;

	return next.futex(word, FUTEX_WAIT_PRIVATE, UNLIKELY, &now, NULL, 0);
}

/*
 * futex_wake_op() changes the word, atomically, and has the page made writable for that (2.6.22 to
 * 7.3). It wakes one who waits for the first word, of whom there is none; and one who waits for the
 * second, if the comparison holds, which is then woken for nothing.
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
		/* EINTR: of a wait, which began once the word had been read. */
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
