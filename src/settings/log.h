/* SPDX-License-Identifier: MIT */
/*
 * Lines for a person, on stderr or in a file and never on stdout: "primeshim: PROGRAM[PID]: ...".
 * One write(2) a line, no malloc, errno kept. Never called with the lock held.
 *
 * A line must not harm the program, which did not ask for it:
 * - It goes to descriptor 2 only while that leads to what it led to at the start, and only to a
 *   file, a pipe, a terminal or a local stream socket (the journal's). What the program has opened
 *   there since, a network connection and a device may be its data.
 * - It raises no signal: SIGPIPE, SIGXFSZ and SIGTTOU are blocked around the write, and taken back
 *   if they came of it.
 * - It waits for a reader for PATIENCE_MS at most, and not again until there is room. What does not
 *   get through is lost, and the next line says how many were.
 */
#ifndef PRIMESHIM_LOG_H
#define PRIMESHIM_LOG_H

#include "settings.h"

enum { PATIENCE_MS = 100 };

/*
 * At the start, if lines may come later: remembers what stderr is, what the process is called, and
 * its number (sandbox.h). The first line at the start does it, too.
 */
void log_start(void);

/*
 * From now on to the file, terminal or pipe of that absolute path, as long as it leads there. NULL,
 * or what is wrong with it, and then nothing has changed.
 */
const char *log_to(const char *path);

/* From now on not a line. */
void log_quiet(void);

void log_always(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "EINVAL" for -EINVAL: strerror() may translate, which may allocate. */
const char *log_errno(int err);

#define log_line(...)				\
	do {					\
		if (settings.log)		\
			log_always(__VA_ARGS__);	\
	} while (0)

#endif
