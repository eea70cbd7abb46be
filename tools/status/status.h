/* SPDX-License-Identifier: MIT */
/*
 * Reads status files (src/kernel/status_file.h) into struct status. The reader trusts nothing in a
 * file. Its result can be used as it is: every string ends, every index is in its table, every enum
 * is known.
 */
#ifndef PRIMESHIM_TOOLS_STATUS_H
#define PRIMESHIM_TOOLS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "kernel/status_file.h"

/* An errno of the kernel's own, which libc has no name for: NVIDIA's nv_dmabuf says so to mmap. */
#define KERNEL_ENOTSUPP 524

/* What has become of the program that wrote the file. */
enum life {
	LIFE_RUNNING,
	LIFE_EXITED,
	LIFE_REPLACED,		/* it has called exec() */
	LIFE_KILLED,		/* by a signal, or it has called _exit() */
};

struct status {
	char *path;
	enum life life;
	struct status_file head;	/* the sections' @used is the length of the arrays below */
	status_name *names;
	struct status_pair *pairs;
	/* Only live entries, in the order of the table. */
	struct status_buffer *buffers;
	struct status_import *imports;
	struct status_mapping *mappings;
	unsigned int nbuffers, nimports, nmappings;
	unsigned int *buffer_of; /* entry of the table + 1 -> index in @buffers + 1; 0: none */
	/* In the order of time. */
	struct status_event *events;
	unsigned int nevents;
	unsigned int lost;		/* earlier events, which the ring no longer has */
};

/*
 * Reads the status file @path. Returns 0, or -1 with a line in @why (@len bytes) that says what is
 * wrong with the file, and what to do.
 */
int status_read(const char *path, struct status *p, char *why, size_t len);

void status_free(struct status *p);

/*
 * Reads all status files that @where names, and sorts them by time. @where is a directory, one
 * status file, a process by its number, or NULL for status_directory(). The function warns on
 * stderr of a file in the directory that is no status file, and leaves the file out. It ends the
 * program with one line and status 2 if there is no such directory, no such process, no status file
 * of the process, or if the one file cannot be read. An empty directory gives an empty list.
 */
struct status *status_load(const char *where, size_t *n);

void status_free_all(struct status *files, size_t n);

/*
 * Reads the status file @path again, of the process that is @pid in this PID namespace. False: it
 * cannot be read any more.
 */
bool status_again(const char *path, pid_t pid, struct status *p);

/* $PRIMESHIM_DIR, or primeshim/ in $XDG_RUNTIME_DIR, or /tmp/primeshim-UID. Never freed. */
const char *status_directory(void);
/* How many files of directories status_load() has warned of so far. */
size_t status_left_out(void);

/*
 * The path of the status file that the process @pid has mapped; the caller frees it. Or NULL, with
 * the reason in @why: there is no such process, the user may not look at it, it is not under the
 * shim, it has not imported a dma-buf yet or could make no file, or PRIMESHIM_DIR is not set in it.
 */
char *status_path_of(pid_t pid, char *why, size_t len);

/*
 * PRIMESHIM_DIR of the process @pid, which has the shim in it: a path through /proc/@pid/root. The
 * caller frees it. NULL: it has none, or may not be looked at.
 */
char *status_directory_of(pid_t pid);

/* Another setting of that process's environment, as it was at its start; the same else. */
char *status_setting_of(pid_t pid, const char *name);

/* The process number that @text is, or 0. */
pid_t pid_of(const char *text);

/* The name of an importer or exporter, as "vgem"; "?" if it is not known. */
const char *device_name(const struct status *p, unsigned int name);

/* The buffer of an import or mapping, or NULL. */
const struct status_buffer *status_buffer_of(const struct status *p, unsigned int buffer);

/* The command with its arguments, separated by blanks, after text_tame(). */
const char *status_command(const struct status *p, char *text, size_t len);

/* Names for numbers: "mmap"; "EINVAL", "SIGBUS", "not asked", "ok". */
const char *call_name(unsigned int call);
const char *outcome_name(unsigned int outcome);
const char *native_name(int native);
const char *life_name(enum life life);
const char *mode_name(uint32_t policy);
const char *sync_name(uint32_t policy);

#endif
