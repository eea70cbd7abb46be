// SPDX-License-Identifier: MIT
/*
 * How primeshim ab runs a command under the shim: as the launcher would. ab asks the launcher for
 * the environment, once for each way. It does not run the launcher each time: the launcher is a
 * script, whose 50 ms and whose children would be counted as the shim's. What the launcher refuses
 * (setuid, static, another machine) ab refuses as well.
 */
#include "config.h"

#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ab.h"
#include "lib/memory.h"
#include "lib/proc.h"
#include "kernel/status_file.h"
#include "lib/run.h"

static const char *const modes[] = STATUS_MODES;
static const char *const syncs[] = STATUS_SYNCS;

static const char *find(const char *const *list, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && !strncmp(list[i], word, len))
			return list[i];
	return NULL;
}

bool way_parse(struct way *w, const char *option, const char *word)
{
	const char *slash = strchr(word, '/');
	size_t len = slash ? (size_t)(slash - word) : strlen(word);

	*w = (struct way){ .word = word, .shim = strcmp(word, "none") };
	if (!w->shim)
		return true;
	w->mode = find(modes, MODE_COUNT, word, len);
	if (!w->mode) {
		warnx("ab: %s cannot be '%s': give none, off, observe, redirect, rescue or deny, "
		      "with /driver, /map, /trap or /off behind it for PRIMESHIM_SYNC",
		      option, word);
		return false;
	}
	if (slash)
		w->sync = find(syncs, SYNC_COUNT, slash + 1, strlen(slash + 1));
	if (slash && !w->sync) {
		warnx("ab: %s cannot be '%s': behind the / give driver, map, trap or off", option,
		      word);
		return false;
	}
	return true;
}

/* Does entry @e of an environment set @name? */
static bool sets(const char *e, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(e, name, len) && e[len] == '=';
}

static void add(char ***env, size_t *n, char *e)
{
	*env = memory_more(*env, *n + 2, sizeof(**env));
	(*env)[(*n)++] = e;
	(*env)[*n] = NULL;
}

/* LD_PRELOAD without the shim; NULL if nothing is left. */
static char *without_shim(const char *e)
{
	char *result = memory_text("LD_PRELOAD="), *save, *longer;
	char *list = memory_text("%s", strchr(e, '=') + 1);
	bool any = false;

	for (char *s = strtok_r(list, ": ", &save); s; s = strtok_r(NULL, ": ", &save)) {
		const char *name = strrchr(s, '/');

		if (!strcmp(name ? name + 1 : s, LIBRARY))
			continue;
		longer = memory_text("%s%s%s", result, any ? ":" : "", s);
		free(result);
		result = longer;
		any = true;
	}
	free(list);
	if (any)
		return result;
	free(result);
	return NULL;
}

/* Our environment without the shim: primeshim itself may run under it. */
static char **plain_environment(void)
{
	char **env = NULL, *preload;
	size_t n = 0;

	for (char **e = environ; *e; e++) {
		if (!strncmp(*e, "PRIMESHIM_", 10))
			continue;
		preload = sets(*e, "LD_PRELOAD") ? without_shim(*e) : memory_text("%s", *e);
		if (preload)
			add(&env, &n, preload);
	}
	return env ? env : memory_new(1, sizeof(*env));
}

/* Our environment, changed by the launcher's lines NAME=VALUE in @told, which are cut up. */
static char **shim_environment(char *told)
{
	char **env = NULL, **said = NULL, *save;
	size_t n = 0, nsaid = 0;

	for (char *line = strtok_r(told, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		/* Each run has a directory of its own. */
		if (strchr(line, '=') && !sets(line, "PRIMESHIM_DIR"))
			add(&said, &nsaid, line);
	for (char **e = environ; *e; e++) {
		bool replaced = sets(*e, "PRIMESHIM_DIR");

		for (size_t i = 0; i < nsaid; i++)
			replaced = replaced || (!strncmp(*e, said[i], strcspn(said[i], "=") + 1));
		if (!replaced)
			add(&env, &n, memory_text("%s", *e));
	}
	for (size_t i = 0; i < nsaid; i++)
		add(&env, &n, memory_text("%s", said[i]));
	free(said);
	return env;
}

/* Finds the launcher: in the build tree, beside this program, or in PATH. */
static const char *find_launcher(void)
{
	static const char *const places[] = { "../scripts/run-with-shim.sh", "run-with-shim",
					      "run-with-shim.sh", NULL };
	const char *found = run_find(places);

	return found ? found : "run-with-shim";
}

/* Runs @argv, and returns its stdout. NULL: it failed, after a line on stderr. */
static char *ask(char **argv)
{
	int status = 0;
	char *said = run_program(argv, environ, false, false, &status);

	if (!said)
		warn("ab: %s cannot be run: install it beside primeshim, or in PATH", argv[0]);
	else if (WIFSIGNALED(status))
		warnx("ab: %s: %s", argv[0], strsignal(WTERMSIG(status)));
	else if (!WEXITSTATUS(status) && *said)
		return said;
	free(said);
	return NULL;
}

static int prepare_way(struct way *w, char **command)
{
	char *argv[16], *said;
	size_t n = 0;

	if (!w->shim) {
		w->env = plain_environment();
		return 0;
	}
	argv[n++] = (char *)find_launcher();
	argv[n++] = (char *)"--env";
	argv[n++] = (char *)"--mode";
	argv[n++] = (char *)w->mode;
	if (w->sync) {
		argv[n++] = (char *)"--sync";
		argv[n++] = (char *)w->sync;
	}
	argv[n++] = (char *)"--";
	argv[n++] = command[0];
	argv[n] = NULL;
	said = ask(argv);
	if (!said)
		return -1;
	w->env = shim_environment(said);
	free(said);
	return 0;
}

int ways_prepare(struct ab *ab)
{
	for (int s = 0; s < NSIDES; s++)
		if (prepare_way(&ab->ways[s], ab->command) < 0)
			return -1;
	return 0;
}
