/* SPDX-License-Identifier: MIT */
/* What every command of primeshim(1) says in the same words: bad use, and output that was lost. */
#ifndef PRIMESHIM_TOOLS_CLI_H
#define PRIMESHIM_TOOLS_CLI_H

/* "primeshim COMMAND: WHAT; see primeshim COMMAND --help": returns 2. */
int bad_use(const char *command, const char *what);

/*
 * getopt_long() does not know the option before @optind, or misses its value: says so. Returns 2.
 * (It does not itself, as opterr is 0.)
 */
int bad_option(char **argv);

/*
 * At the end of a command that has printed: 0 if all of that is out. A pipe that was closed at its
 * other end is no error (0); anything else is told: 2.
 */
int finish_output(void);

#endif
