/* SPDX-License-Identifier: MIT */
/*
 * What primeshim doctor looks at. Each check tells what it found: one line, and what to do where
 * there is something to do. Nothing that is looked at is run, but for ld.so and this program
 * itself.
 */
#ifndef PRIMESHIM_TOOLS_DOCTOR_H
#define PRIMESHIM_TOOLS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/elf-file.h"

enum severity {
	FINDING_OK,
	FINDING_NOTE,		/* to be known, neither good nor bad */
	FINDING_WARNING,	/* may not work */
	FINDING_PROBLEM,	/* does not work */
};

/* What the checks have found, in that order. */
extern struct finding {
	enum severity severity;
	const char *check;
	char *text, *advice;	/* advice: what to do, or NULL; after a ';' more of it */
} *findings;
extern size_t nfindings;

/* Both texts are copied. Ends the program where there is no memory. */
void finding_add(enum severity severity, const char *check, const char *advice, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
size_t findings_count(enum severity severity);

/* The libraries that there are, one for each machine; the first is for this program's if any is. */
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

/* Both set what is above, and have to be first. */
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

/* The program that exec would run for the name @command, and all that it is loaded with. */
void check_command(const char *command);

/*
 * Prints what LD_PRELOAD is to have for @command, which is @library unless it is installed for
 * several ABIs. Or why ld.so would not preload it, in one line. Returns the status to end with: 0;
 * 2; 126 or 127 where @command or its interpreter cannot be executed or is not there.
 */
int launch_command(const char *library, const char *command);

/* Those that LD_PRELOAD may be for @program: @library, or with $LIB in place of its directory. */
void find_libraries(const char *library, const struct elf_file *program, char *preload, size_t len);

void check_objects(const char *path, const struct elf_file *f);

/*
 * Runs @argv with @preload as LD_PRELOAD (NULL: none), for what it says on stdout (or @err: on
 * stderr). Freed by the caller; NULL: it could not be run.
 */
char *doctor_run(char *const *argv, const char *preload, bool err);

#endif
