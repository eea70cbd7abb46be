// SPDX-License-Identifier: MIT
/* primeshim report: what happened, for people. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "report.h"

static const char usage[] =
	"Usage: primeshim report [--json | --csv] [DIR | PID | FILE]\n"
	"       primeshim report --status N [--json | --csv] [--] [DIR [COMMAND [ARG]...]]\n"
	"Prints what programs under the shim did with dma-bufs: who imported from whom, which\n"
	"maps were refused and rescued, the time spent in syncs, imports left open, and a\n"
	"verdict.\n"
	"\n"
	"  DIR         the directory that was PRIMESHIM_DIR for the programs (default:\n"
	"              PRIMESHIM_DIR, or primeshim/ in XDG_RUNTIME_DIR)\n"
	"  PID         a running process; FILE: one status file\n"
	"  --json      prints all of it as JSON\n"
	"  --csv       prints a line for each process, importer, exporter, call and outcome\n"
	"  --status N  the exit status of the COMMAND that made these processes (128 and more:\n"
	"              a signal). The verdict takes it into account; the report names COMMAND\n"
	"  --help      prints this\n"
	"\n"
	"Exit status: 0, or 2 for bad use, or if there is nothing to read.\n";

int cmd_report(int argc, char **argv)
{
	bool json = false, csv = false;
	const char *ended = NULL;
	const struct cli_option options[] = { { "json", .flag = &json }, { "csv", .flag = &csv },
					      { "status", .value = &ended }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false), status = -1;
	char *const *command, *end;
	struct status *files;
	size_t n;

	if (ret >= 0)
		return ret;
	if (json && csv)
		return bad_use(argv[0], "--json and --csv exclude each other");
	if (ended) {
		status = strtol(ended, &end, 10);
		if (*end || end == ended || status < 0 || status > 255)
			return bad_use(argv[0], "--status takes a number from 0 to 255");
	}
	if (argc - optind > 1 && !ended)
		return bad_use(argv[0], "give one directory or process at a time");
	files = status_load(argv[optind], &n);
	command = argv + optind + (optind < argc);
	if (json)
		report_json(files, n, status, command);
	else if (csv)
		report_csv(files, n);
	else
		report_text(files, n, status, command);
	status_free_all(files, n);
	return finish_output();
}
