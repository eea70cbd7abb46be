// SPDX-License-Identifier: MIT
/* primeshim trace: a timeline for ui.perfetto.dev. */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/output.h"
#include "trace.h"

static const char usage[] =
	"Usage: primeshim trace [DIR|PID] -o FILE\n"
	"Writes what processes under the shim did with imports as trace events: imports and\n"
	"mappings are spans, brackets are slices with the wait in START apart, refusals,\n"
	"fallbacks, denials, touches and changes of mode are instants; and there are counters.\n"
	"\n"
	"  DIR, PID       a directory of status files, or a process (default: $PRIMESHIM_DIR)\n"
	"  -o, --output FILE  the JSON, for ui.perfetto.dev or chrome://tracing; FILE is\n"
	"                 replaced once the JSON is complete; - is stdout\n"
	"  --help         prints this\n"
	"\n"
	"Exit status: 0; 1 if there is nothing to show; 2 for bad use, or if a file cannot be\n"
	"read or written.\n"
	"\n"
	"Example:\n"
	"  PRIMESHIM_DIR=/tmp/seen run-with-shim weston; primeshim trace /tmp/seen -o "
	"weston.json\n";

int write_events(int argc, char **argv, const char *how,
		void (*write)(FILE *f, const struct status *files, size_t n))
{
	const char *name = NULL;
	const struct cli_option options[] = { { "output", 'o', .value = &name }, { 0 } };
	int ret = cli_options(argc, argv, how, options, false);
	struct status *files;
	struct output o;
	size_t n;

	if (ret >= 0)
		return ret;
	if (argc - optind > 1)
		return bad_use(argv[0], "give one directory or process at a time");
	if (!name)
		return bad_use(argv[0], "give -o FILE");
	files = status_load(argv[optind], &n);
	if (!n) {
		warnx("%s: nothing under the shim has imported anything: nothing to show",
		      argv[optind] ? argv[optind] : status_directory());
		return 1;
	}
	output_open(&o, name);
	write(o.file, files, n);
	output_done(&o);
	status_free_all(files, n);
	return 0;
}

int cmd_trace(int argc, char **argv)
{
	return write_events(argc, argv, usage, trace_json);
}
