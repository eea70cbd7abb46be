// SPDX-License-Identifier: MIT
/* primeshim: shows what programs under the shim do. This file has the table of commands. */
#include "config.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/commands.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} commands[] = {
	{ "report", cmd_report, "what happened: imports, maps refused and rescued, sync, advice" },
	{ "top", cmd_top, "the same for running programs, live" },
	{ "maps", cmd_maps, "a process's mappings of imports" },
	{ "watch", cmd_watch, "the events of a process, as they happen" },
	{ "trace", cmd_trace, "a timeline for ui.perfetto.dev" },
	{ "plot", cmd_plot, "the timeline as a picture" },
	{ "set", cmd_set, "changes the mode or sync of a running process" },
	{ "probe", cmd_probe, "what comes of mapping an import on the devices that are here" },
	{ "doctor", cmd_doctor, "why the shim would not work here, or for a command" },
	{ "witness", cmd_witness, "looks for processes that the shim is not in, and says why" },
	{ "ab", cmd_ab, "runs a command two ways in turn, and compares" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(void)
{
	puts("Usage: primeshim COMMAND [OPTION]... [ARGUMENT]...\n"
	     "Shows what programs do, or did, with libprimeshim.so and PRIMESHIM_DIR.\n");
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf("  %-7s %s\n", commands[i].name, commands[i].what);
	puts("\nprimeshim COMMAND --help says more; so does primeshim(1). --version prints the "
	     "version.\n"
	     "Exit status: 0; 1 if the answer is no; 2 for bad use or something missing.");
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	/* write() then returns EPIPE, and the command ends in order. */
	signal(SIGPIPE, SIG_IGN);
	opterr = 0;
	if (argc < 2) {
		fputs("primeshim: no command given; see primeshim --help\n", stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		usage();
		return 0;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("primeshim " PACKAGE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "primeshim: there is no command %s; see primeshim --help\n", argv[1]);
	return 2;
}
