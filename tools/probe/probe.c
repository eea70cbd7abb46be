// SPDX-License-Identifier: MIT
/*
 * primeshim probe: what comes of mapping an import on a device, natively and with the shim. The
 * program primeshim-probe (tests/kernel/probe.c) imports, maps, reads and writes; this file runs it
 * both ways for each device, and says what the answers mean.
 */
#include "config.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/memory.h"
#include "lib/run.h"

#define UDMABUF	"/dev/udmabuf"

static const char usage[] =
	"Usage: primeshim probe [IMPORTER [EXPORTER]]\n"
	"Imports a dma-buf into a DRM device, maps it, reads what its exporter wrote, and\n"
	"writes what its exporter then reads: natively, and with the shim in mode rescue. It\n"
	"says what came of that, and what to do.\n"
	"\n"
	"  IMPORTER  the driver of the device, as vgem or etnaviv (default: each that is here)\n"
	"  EXPORTER  whose dma-buf: udmabuf (the default), heap (/dev/dma_heap/system), vivid,\n"
	"            or the driver of another device, which makes a dumb buffer\n"
	"\n"
	"It maps 64 KiB, and writes only where it has read the right bytes before. The devices\n"
	"and /dev/udmabuf have to be accessible: as root, they are.\n"
	"Exit status: 0 if all is right with the shim; 1 if not; 2 for bad use or something\n"
	"missing.\n";

static const char *launcher, *probe;

/* Runs @argv, and returns the line that it prints, or NULL after a line on stderr. */
static char *line_of(char **argv, char **env)
{
	int status = 0;
	char *said = run_program(argv, env, false, false, &status);

	if (!said)
		warn("probe: %s cannot be run", argv[0]);
	else if (WIFSIGNALED(status))
		warnx("probe: %s: %s", argv[0], strsignal(WTERMSIG(status)));
	else if (!WEXITSTATUS(status)) {
		said[strcspn(said, "\n")] = '\0';
		return said;
	}
	free(said);
	return NULL;
}

/* The environment in which a shim that is there already does nothing. */
static char **native_environment(void)
{
	size_t n = 0, at = 1;
	char **env;

	while (environ[n])
		n++;
	env = memory_new(n + 2, sizeof(*env));
	env[0] = "PRIMESHIM_MODE=off";
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], "PRIMESHIM_MODE=", 15))
			env[at++] = environ[i];
	return env;
}

static const char *meaning(const char *native, const char *shim)
{
	if (!strncmp(native, "import ", 7))
		return "the driver does not take such dma-bufs: nobody can map them there";
	if (strcmp(shim, "right"))
		return "the shim does not help here: please report it";
	if (strcmp(native, "right"))
		return "the shim heals it: run-with-shim --mode rescue COMMAND";
	return "the driver's own mapping shows the buffer: the shim adds the brackets, if it is "
	       "asked to (--mode redirect)";
}

/* Prints what comes of imports from @exporter on @importer: 0; 1: not right; 2: it failed. */
static int ask(const char *importer, const char *exporter)
{
	char *by_itself[] = { (char *)probe, (char *)importer, (char *)exporter, NULL };
	char *by_launcher[] = { (char *)launcher, "--quiet", "--mode", "rescue", "--",
				(char *)probe, (char *)importer, (char *)exporter, NULL };
	char **env = native_environment(), *native = line_of(by_itself, env), *shim = NULL;
	int ret = 2;

	if (native)
		shim = line_of(by_launcher, environ);
	if (shim) {
		printf("%s <- %s: natively: %s; with the shim: %s\n  %s\n", importer, exporter,
		       native, shim, meaning(native, shim));
		ret = !!strcmp(shim, "right");
	}
	free(native);
	free(shim);
	free(env);
	return ret;
}

/* The same for each driver that has a device here, once. */
static int ask_all(const char *exporter)
{
	char *argv[] = { (char *)probe, "drivers", NULL };
	char *said = run_program(argv, environ, false, false, NULL), *save, *name;
	char *asked = memory_text("\n");
	int ret = 0, one;
	bool any = false;

	for (name = said ? strtok_r(said, "\n", &save) : NULL; name;
	     name = strtok_r(NULL, "\n", &save)) {
		char *key = memory_text("\n%s\n", name), *longer;

		if (!strstr(asked, key)) {
			longer = memory_text("%s%s\n", asked, name);
			free(asked);
			asked = longer;
			one = ask(name, exporter);
			ret = one > ret ? one : ret;
			any = true;
		}
		free(key);
	}
	free(asked);
	free(said);
	if (!any)
		errx(2, "probe: no DRM device that can be opened: be root, or of the group video");
	return ret;
}

int cmd_probe(int argc, char **argv)
{
	static const char *const launchers[] = { "../scripts/run-with-shim.sh", "run-with-shim",
						 NULL };
	static const char *const probes[] = { "primeshim-probe", PKGLIBEXECDIR "/primeshim-probe",
					      "../libexec/primeshim/primeshim-probe", NULL };
	const struct cli_option options[] = { { 0 } };
	int ret = cli_options(argc, argv, usage, options, false);
	const char *importer, *exporter;

	if (ret >= 0)
		return ret;
	if (argc - optind > 2)
		return bad_use(argv[0], "give one importer and one exporter at a time");
	importer = optind < argc ? argv[optind] : NULL;
	exporter = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (importer && exporter && !strcmp(importer, "etnaviv") && !strcmp(exporter, "heap"))
		errx(2, "probe: the kernel breaks when such a mapping is unmapped; see "
			"docs/etnaviv-system-heap.md");
	if (!exporter && access(UDMABUF, R_OK | W_OK))
		errx(2, "probe: " UDMABUF " cannot be opened: load udmabuf and be root, or name "
			"another exporter; see primeshim probe --help");
	launcher = run_find(launchers);
	probe = run_find(probes);
	if (!launcher || !probe)
		errx(2, "probe: %s is missing: install it with primeshim",
		     launcher ? "primeshim-probe" : "run-with-shim");
	if (!exporter)
		exporter = "udmabuf";
	ret = importer ? ask(importer, exporter) : ask_all(exporter);
	return finish_output() ? 2 : ret;
}
