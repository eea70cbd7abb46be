// SPDX-License-Identifier: MIT
/* What the commands of primeshim(1) say of bad use and of their output; see cli.h. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cli.h"

int bad_use(const char *command, const char *what)
{
	fprintf(stderr, "primeshim %s: %s; see primeshim %s --help\n", command, what, command);
	return 2;
}

int bad_option(char **argv)
{
	char what[256];

	snprintf(what, sizeof(what), "unknown option, or one without its value: %s",
		 argv[optind - 1]);
	return bad_use(argv[0], what);
}

int finish_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	if (errno == EPIPE)
		return 0;
	warn("standard output");
	return 2;
}
