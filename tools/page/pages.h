/* SPDX-License-Identifier: MIT */
/*
 * Reads status files (src/kernel/status_file.h). The reader trusts nothing in a file, so its result
 * can be used as it is: every string ends, every index is in its table, every enum is known.
 */
#ifndef PRIMESHIM_TOOLS_PAGE_H
#define PRIMESHIM_TOOLS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "kernel/status_file.h"

/* What has become of the process. */
enum life {
	LIFE_RUNNING,
	LIFE_EXITED,
	LIFE_REPLACED,		/* another program was started in its place (exec) */
	LIFE_KILLED,		/* by a signal, or it left by _exit() */
};

struct page {
	char *path;
	enum life life;
	struct status_file head;	/* sections' @used is what there is below */
	status_name *names;
	struct status_pair *pairs;
	/* Only those that are live, in the order of the table. */
	struct status_buffer *buffers;
	struct status_import *imports;
	struct status_mapping *mappings;
	unsigned int nbuffers, nimports, nmappings;
	unsigned int *buffer_of; /* entry of the table + 1 -> index in @buffers + 1; 0: none */
	/* In order. */
	struct status_event *events;
	unsigned int nevents;
	unsigned int lost;		/* events that the ring no longer has */
};

/*
 * The page in file @path. 0, or -1 with a line of what is wrong with it and what to do in @why
 * (@len bytes).
 */
int page_read(const char *path, struct page *p, char *why, size_t len);

void page_free(struct page *p);

/*
 * All status files that @where names, by time: a directory; a process, by number; NULL: the
 * directory that primeshim uses by itself (page_directory()). A file that is no status file costs a
 * warning on stderr, and is left out. Ends the program with one line and status 2 where there is no
 * such directory, no such process, or no status file of it. An empty directory is an empty list.
 */
struct page *pages_load(const char *where, size_t *n);

void pages_free(struct page *pages, size_t n);

/*
 * The page at @path again, of the process that is @pid here, into *@p. False where it cannot be
 * read any more.
 */
bool page_again(const char *path, pid_t pid, struct page *p);

/* $PRIMESHIM_DIR, or primeshim/ in $XDG_RUNTIME_DIR, or /tmp/primeshim-UID. Never freed. */
const char *page_directory(void);

/*
 * The file of the page that the process @pid has mapped, or NULL with the reason in @why: there is
 * no such process, it is not ours to look at, it is not under the shim, it has not imported
 * anything yet, or it was not told to have a page. Freed by the caller.
 */
char *page_of_pid(pid_t pid, char *why, size_t len);

/* The number of a process, or 0 where @text is none. */
pid_t pid_of(const char *text);

/* A name, as "vgem"; "?" where it is not known. */
const char *page_name(const struct page *p, unsigned int name);

/* The buffer of an import or mapping, or NULL. */
const struct status_buffer *page_buffer(const struct page *p, unsigned int buffer);

/* The command with its arguments, separated by blanks; what a terminal would heed is shown as ?. */
const char *page_command(const struct page *p, char *text, size_t len);

/* What the numbers are called: "mmap"; "EINVAL", "SIGBUS", "not asked", "ok". */
const char *call_name(unsigned int call);
const char *outcome_name(unsigned int outcome);
const char *native_name(int native);
const char *life_name(enum life life);
const char *mode_name(uint32_t policy);
const char *sync_name(uint32_t policy);

#endif
