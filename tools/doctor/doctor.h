/* SPDX-License-Identifier: MIT */
/*
 * The checks of primeshim doctor. Each check reports what it found: one line, and what to do about
 * it. The doctor runs nothing that it looks at, but for ld.so and this program itself.
 */
#ifndef PRIMESHIM_TOOLS_DOCTOR_H
#define PRIMESHIM_TOOLS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/elf-file.h"

enum severity {
	FINDING_OK,
	FINDING_NOTE,		/* neither good nor bad */
	FINDING_WARNING,	/* the shim may not work */
	FINDING_PROBLEM,	/* the shim does not work */
};

/* The findings of all checks, in the order in which the checks ran. */
extern struct finding {
	enum severity severity;
	const char *check;
	char *text, *advice;	/* advice: what to do, or NULL; a ';' ends its first part */
} *findings;
extern size_t nfindings;

/* Adds a finding, with copies of both texts. Ends the program if memory runs out. */
void finding_add(enum severity severity, const char *check, const char *advice, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
size_t findings_count(enum severity severity);

/*
 * The installed libraries, one for each machine. If one of them is for this program's machine, it
 * is the first.
 */
struct library {
	char *path;
	struct elf_file elf;
};
extern struct library *libraries;
extern size_t nlibraries;

/* This program. */
extern struct elf_file doctor_elf;
extern char doctor_path[];

/* Does the library define that function? */
bool library_defines(const char *name);

/* These set the variables above, and have to run first. */
void doctor_self(void);
void check_library(void);

void check_devices(void);
void check_heaps(void);
void check_container(void);

/* The number behind @key in /proc/self/status, or -1. */
long doctor_status(const char *key);

void check_seccomp(void);
void check_preloads(void);	/* LD_PRELOAD and /etc/ld.so.preload */
void check_settings(void);

/* Looks at the program that exec would run for @command, and at all that ld.so loads with it. */
void check_command(const char *command);

/*
 * Prints what LD_PRELOAD has to be for @command: @library, or a name with $LIB if the library is
 * installed for several ABIs. If ld.so would not preload it, prints why in one line. Returns the
 * exit status: 0; 2; 126 if @command or its interpreter cannot be executed, 127 without such a
 * file.
 */
int launch_command(const char *library, const char *command);

/* Sets @preload to what LD_PRELOAD has to be for @program; see launch_command(). */
void find_libraries(const char *library, const struct elf_file *program, char *preload, size_t len);

void check_objects(const char *path, const struct elf_file *f);

/*
 * Runs @argv with LD_PRELOAD=@preload (NULL: none), and returns what it prints on stdout, or with
 * @err on stderr. The caller frees that. NULL: it could not be run.
 */
char *doctor_run(char *const *argv, const char *preload, bool err);

#endif
