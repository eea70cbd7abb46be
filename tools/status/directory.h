/* SPDX-License-Identifier: MIT */
/* A directory of status files. */
#ifndef PRIMESHIM_TOOLS_DIRECTORY_H
#define PRIMESHIM_TOOLS_DIRECTORY_H

#include <stdbool.h>

/* Why the shim makes no status file in @dir (publish_file.c), or NULL: nothing is known of that. */
const char *directory_refused(const char *dir);

/*
 * Does RLIMIT_FSIZE keep the shim from making status files (publish_file.c)? The answer is about
 * this process: a program that was started with the same limit is meant.
 */
bool directory_limited(void);

#endif
