// SPDX-License-Identifier: MIT
/*
 * primeshim-survey: what the lines of PRIMESHIM_LOG in mode observe say about a program, told to a
 * person or as JSON. run-with-shim.sh --survey makes the log and calls this.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

static const char usage[] =
	"Usage: primeshim-survey [--json] LOG STATUS COMMAND...\n"
	"Reads the LOG of a COMMAND that ended with STATUS, and prints what it did with dma-bufs.\n"
	"For run-with-shim.sh --survey.\n";

/* Imports of one exporter's buffers into one importer, by one process. */
struct pair {
	char program[65], importer[33], exporter[33];
	int pid;
	unsigned long imports;
	unsigned long refused;		/* map ioctls */
	unsigned long mapped;		/* mmaps that worked natively */
	unsigned long failed;		/* mmaps that did not */
	char error[17];			/* what the kernel said first, or "" */
};

/* What a process counted until it ended. One that is killed says nothing. */
struct process {
	int pid;
	unsigned long told, own;
};

enum { PAIRS = 1024, PROCESSES = 1024 };

static struct pair pairs[PAIRS];
static struct process processes[PROCESSES];
static unsigned int npairs, nprocesses;

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "primeshim-survey: %s: %s\n", what, why);
	exit(2);
}

static struct pair *pair_of(const char *program, int pid, const char *importer,
			    const char *exporter)
{
	struct pair *p = pairs;

	for (; p < pairs + npairs; p++)
		if (p->pid == pid && !strcmp(p->importer, importer) &&
		    !strcmp(p->exporter, exporter) && !strcmp(p->program, program))
			return p;
	if (npairs == PAIRS)
		return NULL;
	npairs++;
	p->pid = pid;
	strcpy(p->program, program);
	strcpy(p->importer, importer);
	strcpy(p->exporter, exporter);
	return p;
}

static void error_of(struct pair *p, const char *error)
{
	size_t n = strspn(error, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (!p->error[0] && n < sizeof(p->error))
		memcpy(p->error, error, n);
}

/* "IMPORTER handle N <- EXPORTER, N bytes", and what follows the label. */
static void event(const char *program, int pid, const char *text)
{
	static const char *const events[] = { "import: ", "import learned: ", "import changed: ",
					      "map refused: ", "map: " };
	char importer[33], exporter[33];
	struct pair *p;
	int len = 0;
	unsigned int i = 0;
	const char *outcome;

	while (i < 5 && strncmp(text, events[i], strlen(events[i])))
		i++;
	if (i == 5 || sscanf(text + strlen(events[i]), "%32s handle %*u <- %32[^,], %*u bytes%n",
			     importer, exporter, &len) < 2 || !len)
		return;
	p = pair_of(program, pid, importer, exporter);
	if (!p)
		return;
	text += strlen(events[i]) + len;
	outcome = strstr(text, ": native: ");
	if (i < 3) {
		p->imports++;
	} else if (i == 3) {
		p->refused++;
		error_of(p, text + strspn(text, ": "));
	} else if (outcome && !strncmp(outcome + 10, "ok", 2)) {
		p->mapped++;
	} else if (outcome) {
		p->failed++;
		error_of(p, outcome + 10);
	}
}

static void read_line(const char *line)
{
	char program[65];
	const char *text, *counts;
	struct process *q = processes + nprocesses;
	int pid, len = 0;

	/* A program's name may have brackets of its own. */
	if (strncmp(line, "primeshim: ", 11))
		return;
	line += 11;
	text = strstr(line, "]: ");
	while (text && strstr(text + 1, "]: "))
		text = strstr(text + 1, "]: ");
	while (text && text > line && *text != '[')
		text--;
	if (!text || text - line > 64 || sscanf(text, "[%d]: %n", &pid, &len) != 1 || !len)
		return;
	memcpy(program, line, text - line);
	program[text - line] = '\0';
	text += len;
	event(program, pid, text);
	counts = strncmp(text, "exit: ", 6) ? NULL : strstr(text, "the program's: ");
	if (!counts || nprocesses == PROCESSES)
		return;
	q->pid = pid;
	if (sscanf(counts, "the program's: %lu told, %lu own", &q->told, &q->own) == 2)
		nprocesses++;
}

static void read_log(const char *file)
{
	char line[1024];
	FILE *f = fopen(file, "re");

	if (!f)
		die(file, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		read_line(line);
	}
	fclose(f);
}

static struct pair total(void)
{
	struct pair t = { .pid = 0 };

	for (struct pair *p = pairs; p < pairs + npairs; p++) {
		t.imports += p->imports;
		t.refused += p->refused;
		t.mapped += p->mapped;
		t.failed += p->failed;
	}
	return t;
}

/* Begins that are known of, of processes with imports; -1: one of those was killed. */
static long begins(bool own)
{
	long n = 0;

	for (struct pair *p = pairs; p < pairs + npairs; p++) {
		struct process *q = processes;

		/* Of several lines, after an exec, the last is the process's end. */
		while (q < processes + nprocesses && q->pid != p->pid)
			q++;
		if (q == processes + nprocesses)
			return -1;
		if (p > pairs && p[-1].pid == p->pid)
			continue;
		n += own ? q->own : q->told;
	}
	return n;
}

static const char *verdict(int status)
{
	struct pair t = total();

	if (!t.imports)
		return "it imports no dma-buf: nothing for primeshim to do";
	if (status > 128 && !t.mapped && !t.refused && !t.failed)
		return "a signal ends it, and it maps no import: the cause is another";
	if (status == 128 + 7 && t.mapped)
		return "SIGBUS with an import mapped natively: try --mode redirect";
	if (t.refused || t.failed)
		return "it maps imports and is refused: try --mode redirect";
	if (!t.mapped)
		return "it imports, and maps no import: nothing for primeshim to do";
	if (begins(true) > 0)
		return "it maps imports, which works, and syncs them itself: deny would break it";
	return "it maps imports, which works, and syncs none: wrong where caches are not coherent; "
	       "deny would break it";
}

static const char *deny(int status)
{
	if (!total().mapped)
		return "would change nothing";
	return status == 128 + 7 ? "would refuse the mmap, instead of the SIGBUS" :
				   "would refuse what works natively";
}

/* "1 import", "2 imports" */
static void print_count(const char *before, unsigned long n, const char *what)
{
	printf("%s%lu %s%s", before, n, what, n == 1 ? "" : "s");
}

static void print_text(int status, char *const *command)
{
	struct pair t = total();

	fputs("survey of", stdout);
	for (; *command; command++)
		printf(" %s", *command);
	putchar('\n');
	for (struct pair *p = pairs; p < pairs + npairs; p++) {
		printf("  %s[%d] %s <- %s: ", p->program, p->pid, p->importer, p->exporter);
		print_count("", p->imports, "import");
		if (p->refused) {
			print_count(", ", p->refused, "map");
			printf(" refused (%s)", p->error);
		}
		if (p->failed) {
			print_count(", ", p->failed, "mmap");
			printf(" refused (%s)", p->error);
		}
		if (p->mapped)
			printf(", %lu mapped natively", p->mapped);
		if (!p->refused && !p->failed && !p->mapped)
			fputs(", none mapped", stdout);
		putchar('\n');
	}
	if (t.imports && begins(true) < 0) {
		puts("  syncs: not known of a process that was killed");
	} else if (t.imports) {
		printf("  syncs: %ld by DMA_BUF_IOCTL_SYNC", begins(true));
		print_count(", told to the driver ", begins(false), "time");
		putchar('\n');
	}
	if (t.imports)
		printf("  deny: %s\n", deny(status));
	printf("  status: %d\nverdict: %s\n", status, verdict(status));
}

static void add_number(struct json_object *to, const char *key, long n)
{
	json_object_object_add(to, key, n < 0 ? NULL : json_object_new_int64(n));
}

static void add_string(struct json_object *to, const char *key, const char *s)
{
	json_object_object_add(to, key, *s ? json_object_new_string(s) : NULL);
}

static void print_json(int status, char *const *command)
{
	struct json_object *o = json_object_new_object(), *words = json_object_new_array();
	struct json_object *list = json_object_new_array();

	for (; *command; command++)
		json_object_array_add(words, json_object_new_string(*command));
	for (struct pair *p = pairs; p < pairs + npairs; p++) {
		struct json_object *e = json_object_new_object();

		add_string(e, "program", p->program);
		add_number(e, "pid", p->pid);
		add_string(e, "importer", p->importer);
		add_string(e, "exporter", p->exporter);
		add_number(e, "imports", p->imports);
		add_number(e, "map_ioctls_refused", p->refused);
		add_number(e, "mmaps_refused", p->failed);
		add_number(e, "mapped_natively", p->mapped);
		add_string(e, "error", p->error);
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "command", words);
	add_number(o, "status", status);
	json_object_object_add(o, "imports", list);
	add_number(o, "own_syncs", begins(true));
	add_number(o, "told_to_driver", begins(false));
	json_object_object_add(o, "deny_would_break", json_object_new_boolean(total().mapped > 0));
	add_string(o, "verdict", verdict(status));
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && !strcmp(argv[1], "--json");
	char *end;
	long status;

	argv += json;
	argc -= json;
	if (argc < 4) {
		fputs(usage, stderr);
		return 2;
	}
	status = strtol(argv[2], &end, 10);
	if (*end || end == argv[2] || status < 0 || status > 255)
		die(argv[2], "no exit status");
	read_log(argv[1]);
	(json ? print_json : print_text)(status, argv + 3);
	return 0;
}
