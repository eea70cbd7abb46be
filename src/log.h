/* SPDX-License-Identifier: MIT */
/*
 * Lines for a person, on stderr or in a file and never on stdout: "primeshim: PROGRAM[PID]: ...".
 * One write(2) a line, no malloc, errno kept. Never called with the lock held (stderr may be a full
 * pipe).
 */
#ifndef PRIMESHIM_LOG_H
#define PRIMESHIM_LOG_H

#include "settings.h"

/* From now on to the file of that absolute path, which has to exist. Not copied. */
void log_to(const char *path);

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
