// SPDX-License-Identifier: MIT
/* primeshim report: its options, and the evidence that it prints. */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "report.h"

static const char usage[] =
	"Usage: primeshim report [--json | --csv] [--seen FILE] [DIR | PID | FILE]\n"
	"       primeshim report --status N [OPTION]... [--] [DIR [COMMAND [ARG]...]]\n"
	"Prints what programs under the shim did with dma-bufs: first the answer, the verdict\n"
	"and what to do; then who imported from whom, which maps were refused and rescued, the\n"
	"time spent in syncs, and imports left open.\n"
	"\n"
	"  DIR         the directory that was PRIMESHIM_DIR for the programs (default:\n"
	"              PRIMESHIM_DIR, or primeshim/ in XDG_RUNTIME_DIR)\n"
	"  PID         a running process; FILE: one status file\n"
	"  --json      prints all of it as JSON\n"
	"  --csv       prints a line for each process, importer, exporter, call and outcome\n"
	"  --status N  the exit status of the COMMAND that made these processes (128 and more:\n"
	"              a signal). The verdict takes it into account; the report names COMMAND\n"
	"  --seen FILE what primeshim witness has written: processes that the shim is not in\n"
	"  --help      prints this\n"
	"\n"
	"Exit status: 0, or 2 for bad use, or if there is nothing to read.\n";

/* The status in @text, or -1: it is none. */
static int status_of(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	return *end || end == text || n < 0 || n > 255 ? -1 : (int)n;
}

int cmd_report(int argc, char **argv)
{
	bool json = false, csv = false;
	const char *ended = NULL, *saw = NULL;
	const struct cli_option options[] = { { "json", .flag = &json }, { "csv", .flag = &csv },
					      { "status", .value = &ended },
					      { "seen", .value = &saw }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);
	struct evidence e = { .status = -1 };
	char why[512];
	struct status *files;
	struct seen seen;

	if (ret >= 0)
		return ret;
	if (json && csv)
		return bad_use(argv[0], "--json and --csv exclude each other");
	if (ended) {
		e.status = status_of(ended);
		if (e.status < 0)
			return bad_use(argv[0], "--status takes a number from 0 to 255");
	}
	if (argc - optind > 1 && !ended)
		return bad_use(argv[0], "give one directory or process at a time");
	e.dir = argv[optind] ? argv[optind] : status_directory();
	e.files = files = status_load(argv[optind], &e.n);
	/*
	 * Nothing is known of programs whose files cannot be read. With --status the report goes
	 * on: the launcher wants one in any case.
	 */
	if (!e.n && status_left_out() && !ended)
		errx(2, "%s: none of its status files can be read", e.dir);
	if (saw && seen_read(saw, &seen, why, sizeof(why)))
		e.seen = &seen;
	else if (saw)
		warnx("%s; left out", why);
	e.command = argv + optind + (optind < argc);
	if (json)
		report_json(&e);
	else if (csv)
		report_csv(e.files, e.n);
	else
		report_text(&e);
	if (e.seen)
		seen_free(&seen);
	status_free_all(files, e.n);
	return finish_output();
}
