/* SPDX-License-Identifier: MIT */
/*
 * What every command of primeshim(1) does in the same way: its options, which are a table; bad use;
 * and output that was lost.
 */
#ifndef PRIMESHIM_TOOLS_CLI_H
#define PRIMESHIM_TOOLS_CLI_H

#include <stdbool.h>

/* An option, and where it goes: @flag is set, or @value is what follows it, or @each is called. */
struct cli_option {
	const char *name;	/* "json", or NULL: it has a letter alone */
	char letter;		/* or 0 */
	bool *flag;
	const char **value;
	bool (*each)(void *with, const char *value); /* false: it has said what is wrong */
	void *with;
};

/*
 * Reads the options of a command, whose table ends with an option of nothing, and --help, which
 * prints @usage. -1: go on, with what is no option from @optind on; else the status to end with.
 * @command: the first word that is no option ends them, as what follows is a command of its own.
 */
int cli_options(int argc, char **argv, const char *usage, const struct cli_option *options,
		bool command);

/* "primeshim COMMAND: WHAT; see primeshim COMMAND --help": returns 2. */
int bad_use(const char *command, const char *what);

/*
 * At the end of a command that has printed: 0 if all of that is out. A pipe that was closed at its
 * other end is no error (0); anything else is told: 2.
 */
int finish_output(void);

#endif
