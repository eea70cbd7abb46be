/* SPDX-License-Identifier: MIT */
/*
 * What all commands of primeshim(1) have in common: options, which are a table; bad use; and output
 * that could not be written.
 */
#ifndef PRIMESHIM_TOOLS_CLI_H
#define PRIMESHIM_TOOLS_CLI_H

#include <stdbool.h>

/* An option: it sets @flag, or it puts the word behind it into @value, or it calls @each. */
struct cli_option {
	const char *name;	/* "json", or NULL: it has only a letter */
	char letter;		/* or 0 */
	bool *flag;
	const char **value;
	bool (*each)(void *with, const char *value); /* false: bad use, after a line on stderr */
	void *with;
};

/*
 * Reads the options of a command, and --help, which prints @usage. An empty entry ends the table.
 * Returns -1: go on, with the arguments from @optind on; else the exit status. With @command the
 * first word that is no option ends the options, since a command of the user's begins there.
 */
int cli_options(int argc, char **argv, const char *usage, const struct cli_option *options,
		bool command);

/* Prints "primeshim COMMAND: WHAT; see primeshim COMMAND --help" on stderr, and returns 2. */
int bad_use(const char *command, const char *what);

/*
 * Flushes stdout at the end of a command. Returns 0; also if the reader of a pipe has closed it.
 * Returns 2 after a line on stderr if the output could not be written otherwise.
 */
int finish_output(void);

#endif
