/* SPDX-License-Identifier: MIT */
/* Runs another program, and reads its output. */
#ifndef PRIMESHIM_TOOLS_RUN_H
#define PRIMESHIM_TOOLS_RUN_H

#include <stdbool.h>

/*
 * Runs @argv with the environment @env until it ends. Returns all that the program writes to
 * stdout, or with @from_err to stderr; the caller frees it. With @quiet the other stream is
 * /dev/null.
 * Returns NULL and errno if the program could not be run. *@status is as waitpid() sets it; @status
 * may be NULL.
 */
char *run_program(char *const *argv, char *const *env, bool from_err, bool quiet, int *status);

/*
 * The first of @places, up to NULL, that is a program: a path from the root, or from the directory
 * that this program is in. NULL if none is. The caller frees it, or keeps it to the end.
 */
char *run_find(const char *const *places);

#endif
