/* SPDX-License-Identifier: MIT */
/*
 * Lines for a person, on stderr or in a file and never on stdout: "primeshim: PROGRAM[PID]: ...".
 * Each line is one write(2). These functions do not call malloc() and keep errno. The caller holds
 * no lock.
 *
 * A line must not harm the program, which did not ask for it:
 * - The shim writes to descriptor 2 only while it leads to the same file as at the start, and only
 *   to a file, a pipe, a terminal or a local stream socket (the journal's). Another file that the
 *   program has opened there since, a network connection and a device may carry the program's data.
 * - A line raises no signal: the shim blocks SIGPIPE, SIGXFSZ and SIGTTOU around the write, and
 *   takes a signal back that the write has raised.
 * - The shim waits for a reader for PATIENCE_MS at most, and does not wait again until there is
 *   room. A line that does not get through is lost, and the next line says how many were lost.
 */
#ifndef PRIMESHIM_LOG_H
#define PRIMESHIM_LOG_H

#include "settings.h"

enum { PATIENCE_MS = 100 };

/*
 * In the constructor, if lines may come later: stores what stderr is, the process's name, and its
 * number (sandbox.h). The first line does so, too, if it comes in the constructor.
 */
void log_start(void);

/*
 * Sends the lines from now on to the file, terminal or pipe of the absolute @path, as long as @path
 * leads to the same one. NULL; or a text that says what is wrong with @path, and nothing has
 * changed.
 */
const char *log_to(const char *path);

/* No line is written from now on. */
void log_quiet(void);

void log_always(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "EINVAL" for -EINVAL. (strerror() may translate, and a translation may allocate.) */
const char *log_errno(int err);

#define log_line(...)				\
	do {					\
		if (settings.log)		\
			log_always(__VA_ARGS__);	\
	} while (0)

#endif
