/* SPDX-License-Identifier: MIT */
/* primeshim ab: one command, run two ways in turn, and what came of it side by side. */
#ifndef PRIMESHIM_TOOLS_AB_H
#define PRIMESHIM_TOOLS_AB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "ab-stats.h"

enum side { SIDE_A, SIDE_B, NSIDES };

/* How a side runs the command. */
struct way {
	const char *word;		/* as it was given: "redirect/map" */
	const char *mode, *sync;	/* sync: NULL is what the environment or the default says */
	bool shim;			/* the command is under it: the mode is not none */
	char **env;
};

/* How a run ended: @n is the exit status, or the signal. */
enum end_kind { END_EXIT, END_SIGNAL, END_TIMEOUT };
struct end {
	enum end_kind kind;
	int n;
};

/*
 * What a run is measured by: seconds, bytes, and the counters of its processes' status files, added
 * up. The last counter is in nanoseconds.
 */
enum number { NUMBER_WALL, NUMBER_CPU, NUMBER_MEMORY, NMEASURES, NUMBER_IMPORTS = NMEASURES,
	      NUMBER_REFUSED, NUMBER_RESCUED, NUMBER_DMABUF, NUMBER_BEGINS, NUMBER_BLOCKED,
	      NNUMBERS };

struct run {
	struct end end;
	bool counted;			/* those from the status files are known */
	double numbers[NNUMBERS];
};

/* A file that each run writes; the first is its stdout. The first of each side is kept. */
struct ab_output {
	const char *path;		/* NULL: stdout */
	char *aside;			/* where the user's own file is meanwhile, or NULL */
	unsigned int found[NSIDES];	/* runs that wrote it */
	unsigned int first[NSIDES];	/* number of the first that did, from 1 on */
	bool varies[NSIDES];		/* not the same after all runs of that side */
	bool differs;			/* the first of A and the first of B do */
};

struct ab {
	char **command;
	unsigned int n;			/* runs each way that are wanted */
	struct way ways[NSIDES];
	struct run *runs[NSIDES];
	unsigned int done[NSIDES];
	struct ab_output *outputs;
	size_t noutputs;
	char *complaint[NSIDES]; /* last line on stderr of the first run that failed, or NULL */
	unsigned int complained[NSIDES];	/* and its number, from 1 on */
	const char *input;		/* the command's stdin */
	double timeout;			/* seconds; 0: none */
	const char *keep;		/* where outputs stay, or NULL */
	char *tmp;			/* where they are until then */
	char *status_dir;	/* for the status files; it may be the same */
	bool quiet;
	int stopped;			/* the signal that ended this early, or 0 */
};

/* ab-way.c: a mode as given by the user; false after a line on stderr. */
bool way_parse(struct way *w, const char *option, const char *word);

/*
 * Asks the launcher for the environment of both ways, which is how it gets to look at the command.
 * -1 after a line on stderr, its own or one of ours.
 */
int ways_prepare(struct ab *ab);

/* ab-run.c: before anything is started: signals, and adoption of what runs leave behind. */
void running_prepare(void);

/* A signal that has asked this program to end, or 0. */
int running_stopped(void);

/*
 * Runs the command as @side does it, with its stdout and stderr in these files and PRIMESHIM_DIR as
 * given. Nothing of it is left when this returns: 0; 1 where a signal came meanwhile (see
 * running_stopped()); -1 after a line on stderr: it cannot be started.
 */
int run_once(const struct ab *ab, enum side side, const char *out, const char *err, char *dir,
	     struct run *run);

/* ab-count.c: what the processes of a run have left in the directory @dir. */
void count_run(const struct way *w, const char *dir, struct run *run);

/* ab-outputs.c: sets aside what has the names of the outputs. -1 after a line on stderr. */
int outputs_prepare(struct ab *ab);

/*
 * Takes what the run @n (0 is the first) of @side wrote, its stdout being in @out; compares, and
 * keeps it if it is to be kept. With @drop all of it is thrown away.
 */
int outputs_take(struct ab *ab, enum side side, unsigned int n, const char *out, bool drop);

/* Puts back what was set aside. */
void outputs_restore(struct ab *ab);

/* "equal", "differ", "not deterministic", "missing"; NULL as long as a side has no run. */
const char *ab_output_verdict(const struct ab *ab, const struct ab_output *o);

/* The same with the details, for people. */
void ab_output_text(const struct ab *ab, const struct ab_output *o, char *text, size_t len);

/* ab-text.c: "exit 0", "SIGSEGV", "timeout"; and where runs differ "3x exit 0, 2x SIGSEGV". */
void end_name(struct end end, char *text, size_t len);
void ends_tell(const struct run *runs, unsigned int n, char *text, size_t len);

/* Do all runs of both sides end in the same ways? If not, their times tell nothing of the shim. */
bool ends_alike(const struct ab *ab);

/* The last line of a file that says something, or NULL; one of the shim's if there is no other. */
char *last_line(const char *file);

/* Those of a side's runs that are known: *@n, sorted; freed by the caller. */
double *numbers_sorted(const struct ab *ab, enum side side, enum number k, unsigned int *n);

/* B by A, where all runs end alike; not known of what is counted. */
struct ratio numbers_ratio(const struct ab *ab, enum number k);

/* ab-print.c, ab-json.c: the result on stdout. @columns: of the terminal, 0: it is none. */
void print_table(const struct ab *ab, unsigned int columns, bool markdown);
void print_json(const struct ab *ab);

#endif
