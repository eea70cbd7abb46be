// SPDX-License-Identifier: MIT
/*
 * primeshim doctor: why the shim would not work here. Runs the checks, and prints their findings.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "doctor.h"
#include "lib/cli.h"
#include "lib/commands.h"
#include "lib/json-text.h"
#include "lib/memory.h"
#include "lib/text.h"

static const char usage[] =
	"Usage: primeshim doctor [--json | --launch LIBRARY] [--] [COMMAND [ARG]...]\n"
	"Says why the shim would not work here: the library, the devices and who may open\n"
	"them, the sandbox, other preloaded objects; whether ld.so would preload the shim into\n"
	"COMMAND; and whether the shim would see COMMAND's calls. Runs ld.so, which lists\n"
	"COMMAND's libraries, and primeshim itself with the preloaded objects; never COMMAND.\n"
	"\n"
	"  --json            prints JSON\n"
	"  --launch LIBRARY  for run-with-shim: prints what LD_PRELOAD has to be for COMMAND,\n"
	"                    or in one line why ld.so would not preload LIBRARY into COMMAND;\n"
	"                    exits with 2 then, with 127 if there is no such program, and with\n"
	"                    126 if it cannot be executed\n"
	"  --help            prints this\n"
	"\n"
	"Exit status: 0 without a problem, 1 with a problem, 2 for bad use.\n";

static const char *const names[] = { "ok", "note", "warning", "problem" };

static const char *verdict(bool command, char *text, size_t len)
{
	size_t problems = findings_count(FINDING_PROBLEM),
	       warnings = findings_count(FINDING_WARNING);

	if (problems)
		snprintf(text, len, "it does not work here: %zu problem%s", problems,
			 problems == 1 ? "" : "s");
	else if (warnings)
		snprintf(text, len, "it should work, but for %zu warning%s", warnings,
			 warnings == 1 ? "" : "s");
	else
		snprintf(text, len, "%s", command ? "it should work for that command" :
			 "it should work here; doctor COMMAND looks at a program, too");
	return text;
}

/* What to do next, where nothing is in the way; the caller frees it. NULL: correct the problems. */
static char *next_step(char *const *command)
{
	char *name, *advice, words[256];

	if (findings_count(FINDING_PROBLEM))
		return NULL;
	name = text_tamed(!*command ? "COMMAND" :
			  text_plain_words(command, words, sizeof(words)) ? words : *command);
	advice = memory_text("run-with-shim --mode rescue %s; whether it needs that: run-with-shim "
			     "--survey %s", name, name);
	free(name);
	return advice;
}

static void print_text(const char *last, const char *advice)
{
	for (size_t i = 0; i < nfindings; i++) {
		printf("%-8s %s: %s\n", names[findings[i].severity], findings[i].check,
		       findings[i].text);
		if (findings[i].advice)
			printf("         -> %s\n", findings[i].advice);
	}
	printf("verdict: %s\n", last);
	if (advice)
		printf("advice: %s\n", advice);
}

static void print_json(char *const *command, const char *last, const char *advice)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();

	json_words(o, "command", command);
	for (size_t i = 0; i < nfindings; i++) {
		struct json_object *e = json_object_new_object();

		json_text(e, "state", names[findings[i].severity]);
		json_text(e, "check", findings[i].check);
		json_text(e, "text", findings[i].text);
		json_text(e, "advice", findings[i].advice);
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "checks", list);
	json_number(o, "problems", findings_count(FINDING_PROBLEM));
	json_number(o, "warnings", findings_count(FINDING_WARNING));
	json_text(o, "verdict", last);
	json_text(o, "advice", advice);
	json_print(o);
}

int cmd_doctor(int argc, char **argv)
{
	const char *library = NULL;
	bool json = false;
	const struct cli_option options[] = { { "json", .flag = &json },
					      { "launch", .value = &library }, { 0 } };
	int ret = cli_options(argc, argv, usage, options, true), bad;
	char text[128], *advice;

	if (ret >= 0)
		return ret;
	if (library && (json || !argv[optind]))
		return bad_use(argv[0], "--launch goes with a command, and without --json");
	if (library) {
		ret = launch_command(library, argv[optind]);
		bad = finish_output();
		return bad ? bad : ret;
	}
	doctor_self();
	check_library();
	check_devices();
	check_heaps();
	check_container();
	check_seccomp();
	check_preloads();
	check_settings();
	if (argv[optind])
		check_command(argv[optind]);
	verdict(argv[optind], text, sizeof(text));
	advice = next_step(argv + optind);
	if (json)
		print_json(argv + optind, text, advice);
	else
		print_text(text, advice);
	free(advice);
	bad = finish_output();
	return bad ? bad : findings_count(FINDING_PROBLEM) > 0;
}
