/* SPDX-License-Identifier: MIT */
/* primeshim ab: runs one command two ways in turn, and shows the results side by side. */
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
	const char *word;		/* as the user gave it: "redirect/map" */
	const char *mode, *sync;	/* sync NULL: the environment or the default decides */
	bool shim;			/* the command runs under the shim: the mode is not none */
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
	bool counted;			/* the numbers from the status files are known */
	double numbers[NNUMBERS];
};

/* A file that each run writes; the first is its stdout. ab keeps the first file of each side. */
struct ab_output {
	const char *path;		/* NULL: stdout */
	char *aside;			/* where the user's own file is meanwhile, or NULL */
	unsigned int found[NSIDES];	/* how many runs wrote it */
	unsigned int first[NSIDES];	/* the first run that did, from 1 on */
	bool varies[NSIDES];		/* two runs of that side wrote different files */
	bool differs;			/* the first file of A differs from the first of B */
};

struct ab {
	char **command;
	unsigned int n;			/* wanted runs each way */
	struct way ways[NSIDES];
	struct run *runs[NSIDES];
	unsigned int done[NSIDES];
	struct ab_output *outputs;
	size_t noutputs;
	char *complaint[NSIDES]; /* last line on stderr of the first run that failed, or NULL */
	unsigned int complained[NSIDES];	/* that run's number, from 1 on */
	const char *input;		/* the command's stdin */
	double timeout;			/* seconds; 0: none */
	const char *keep;		/* the directory where outputs stay, or NULL */
	char *tmp;			/* the directory where they are until then */
	char *status_dir;		/* the directory of the status files; may be @tmp */
	bool quiet;
	int stopped;			/* the signal that ended this early, or 0 */
};

/* ab-way.c: reads a mode that the user gave. False after a line on stderr. */
bool way_parse(struct way *w, const char *option, const char *word);

/*
 * Asks the launcher for the environment of both ways; the launcher looks at the command then.
 * Returns 0, or -1 after a line on stderr, which is the launcher's or ours.
 */
int ways_prepare(struct ab *ab);

/* ab-run.c: sets up signals, and adopts the processes that runs leave behind. Before any run. */
void running_prepare(void);

/* The signal that has asked this program to end, or 0. */
int running_stopped(void);

/*
 * Runs the command as @side does, with stdout and stderr in these files and @dir in its
 * environment (PRIMESHIM_DIR=...). No process of it is left on return. Returns 0; 1 if a signal
 * came meanwhile (see running_stopped()); -1 after a line on stderr: the command cannot be started.
 */
int run_once(const struct ab *ab, enum side side, const char *out, const char *err, char *dir,
	     struct run *run);

/* ab-count.c: adds up the status files that the processes of a run have left in @dir. */
void count_run(const struct way *w, const char *dir, struct run *run);

/* ab-outputs.c: sets the user's own files of those names aside. -1 after a line on stderr. */
int outputs_prepare(struct ab *ab);

/*
 * Takes the outputs of run @n (0 is the first) of @side, whose stdout is in @out: compares them,
 * and keeps them if the user wants that. With @drop it removes them all.
 */
int outputs_take(struct ab *ab, enum side side, unsigned int n, const char *out, bool drop);

/* Puts the user's own files back. */
void outputs_restore(struct ab *ab);

/* "equal", "differ", "not deterministic" or "missing"; NULL as long as a side has no run. */
const char *ab_output_verdict(const struct ab *ab, const struct ab_output *o);

/* The same with the details, for people. */
void ab_output_text(const struct ab *ab, const struct ab_output *o, char *text, size_t len);

/* ab-text.c: "exit 0", "SIGSEGV", "timeout"; and where runs differ "3x exit 0, 2x SIGSEGV". */
void end_name(struct end end, char *text, size_t len);
void ends_tell(const struct run *runs, unsigned int n, char *text, size_t len);

/* Do both sides end in the same ways? If not, their times say nothing about the shim. */
bool ends_alike(const struct ab *ab);

/*
 * The last line of a file that is not blank, or NULL. The shim's own lines count only if there are
 * no others.
 */
char *last_line(const char *file);

/* The known numbers of a side's runs, sorted; there are *@n. The caller frees the array. */
double *numbers_sorted(const struct ab *ab, enum side side, enum number k, unsigned int *n);

/* B by A, if all runs end alike. Not known for numbers from status files. */
struct ratio numbers_ratio(const struct ab *ab, enum number k);

/* ab-print.c, ab-json.c: print the result. @columns: of the terminal; 0: stdout is no terminal. */
void print_table(const struct ab *ab, unsigned int columns, bool markdown);
void print_json(const struct ab *ab);

#endif
