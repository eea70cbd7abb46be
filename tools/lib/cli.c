// SPDX-License-Identifier: MIT
/* See cli.h. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "cli.h"

enum { MOST = 16, LONG = 256 };

int bad_use(const char *command, const char *what)
{
	fprintf(stderr, "primeshim %s: %s; see primeshim %s --help\n", command, what, command);
	return 2;
}

/* getopt_long() does not know the option before @optind, or the option has no value. */
static int bad_option(char **argv)
{
	char what[256];

	snprintf(what, sizeof(what), "unknown option, or one without its value: %s",
		 argv[optind - 1]);
	return bad_use(argv[0], what);
}

static bool take(const struct cli_option *o)
{
	if (o->flag)
		*o->flag = true;
	else if (o->value)
		*o->value = optarg;
	else
		return o->each(o->with, optarg);
	return true;
}

int cli_options(int argc, char **argv, const char *usage, const struct cli_option *options,
		bool command)
{
	struct option names[MOST + 2] = { { "help", no_argument, NULL, LONG + MOST } };
	char letters[2 * MOST + 2] = "+", *letter = letters + command;
	int n = 1, got;

	*letter = '\0';
	for (int i = 0; options[i].name || options[i].letter; i++) {
		const struct cli_option *o = &options[i];

		if (o->name)
			names[n++] = (struct option){
				o->name, o->flag ? no_argument : required_argument, NULL, LONG + i,
			};
		if (o->letter)
			letter += sprintf(letter, "%c%s", o->letter, o->flag ? "" : ":");
	}
	while ((got = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		int i = got - LONG;

		if (i == MOST) {
			fputs(usage, stdout);
			return 0;
		}
		for (int k = 0; i < 0 && (options[k].name || options[k].letter); k++)
			if (options[k].letter == got)
				i = k;
		if (i < 0)
			return bad_option(argv);
		if (!take(&options[i]))
			return 2;
	}
	return -1;
}

int finish_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	if (errno == EPIPE)
		return 0;
	warn("stdout");
	return 2;
}
