/* SPDX-License-Identifier: MIT */
/* Another program, run for what it says. */
#ifndef PRIMESHIM_TOOLS_RUN_H
#define PRIMESHIM_TOOLS_RUN_H

#include <stdbool.h>

/*
 * Runs @argv with the environment @env until it ends. Returns all that the program writes to its
 * stdout, or with @from_err to its stderr; the caller frees it. @quiet: the other one is /dev/null.
 * NULL and errno: it could not be run. *@status is as waitpid() has it; @status may be NULL.
 */
char *run_program(char *const *argv, char *const *env, bool from_err, bool quiet, int *status);

#endif
