// SPDX-License-Identifier: MIT
/* primeshim trace: a timeline for ui.perfetto.dev, or among the kernel's own events in ftrace. */
#include "config.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/output.h"
#include "trace.h"

static const char usage[] =
	"Usage: primeshim trace [DIR|PID] -o FILE\n"
	"       primeshim trace [DIR|PID] --ftrace [--marker FILE]\n"
	"Writes what processes under the shim did with imports as trace events: imports and mappings\n"
	"as spans, brackets as slices with the wait in START apart, refusals, fallbacks, denials,\n"
	"touches and changes of mode as instants, and counters.\n"
	"\n"
	"  DIR, PID       whose: a directory of pages, or a process (default: $PRIMESHIM_DIR)\n"
	"  -o, --output FILE  JSON that ui.perfetto.dev and chrome://tracing open; - is stdout.\n"
	"                 Written anew, once it is complete\n"
	"  --ftrace       lines in the kernel's trace_marker instead, for trace-cmd and gpuvis to\n"
	"                 show among its dma_fence events; a process that runs is followed until it\n"
	"                 ends, or until ^C. Mostly for root\n"
	"  --marker FILE  writes them there\n"
	"  --help         prints this\n"
	"\n"
	"Exit status: 0; 1 there is nothing to show; 2 bad use, or a file cannot be read or written\n"
	"\n"
	"Example:\n"
	"  PRIMESHIM_DIR=/tmp/seen run-with-shim weston; primeshim trace /tmp/seen -o weston.json\n";

enum { OPT_FTRACE = 1, OPT_MARKER, OPT_HELP };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "ftrace", no_argument, NULL, OPT_FTRACE },
	{ "marker", required_argument, NULL, OPT_MARKER },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 }
};

int cmd_trace(int argc, char **argv)
{
	const char *name = NULL, *marker = NULL;
	bool ftrace = false;
	struct page *pages;
	struct output o;
	size_t n;
	int c;

	while ((c = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (c == 'o') {
			name = optarg;
		} else if (c == OPT_FTRACE) {
			ftrace = true;
		} else if (c == OPT_MARKER) {
			marker = optarg;
		} else if (c == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		} else {
			return bad_option(argv);
		}
	}
	if (argc - optind > 1)
		return bad_use(argv[0], "one directory or process is enough");
	if (!name == !ftrace || (marker && !ftrace))
		return bad_use(argv[0], "either -o FILE is needed, or --ftrace");
	pages = pages_load(argv[optind], &n);
	if (!n) {
		warnx("%s: nothing under the shim has imported anything: nothing to show",
		      argv[optind] ? argv[optind] : page_directory());
		return 1;
	}
	if (ftrace) {
		trace_ftrace(marker, pages, n);
	} else {
		output_open(&o, name);
		trace_json(o.file, pages, n);
		output_done(&o);
	}
	pages_free(pages, n);
	return 0;
}
