/* SPDX-License-Identifier: MIT */
/*
 * What the parts of same.c share. A program is a sequence of random calls, which its seed decides.
 * It prints a transcript: the result of each call, then what each descriptor is, and what is in its
 * memory. The runner (same.sh) compares the transcript of a native run with those of runs under the
 * shim. So a transcript has nothing that may differ natively from run to run: addresses, offsets
 * and inodes have names.
 *
 * Each step has a random sequence of its own, so that steps can be left out (--skip). A step
 * chooses by the model below, which follows from results alone: if all results were the same, so is
 * the next call.
 *
 * The program avoids what the shim does differently on purpose; each such place has the word
 * "documented" in its comment.
 */
#ifndef PRIMESHIM_SAME_H
#define PRIMESHIM_SAME_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fake/fake-drivers.h"

enum {
	PAGE = 4096, MOST = 12,		/* pages of a buffer */
	NUMBERS = 1024,
	LOOKED = 256,		/* descriptors below this are looked at after each step */
	HIGH = 700,		/* from there on they are the program's by dup2() alone */
	FILES = 64, HANDLES = 32, OFFSETS = 16, MAPS = 20, IDENTS = 256, SLOTS = 4, SLOT = 24,
	THREADS = 4,
	KEPT = 4242,			/* errno before each call */
};

struct fd {
	bool mine;		/* the program has it */
	uint8_t file;		/* an open file of a device, if not 0 */
};

struct handle {
	bool used;
	uint8_t file;
	int name, pages, depth;	/* @depth: of the process that made it */
	uint32_t number;
	uint64_t offset;	/* 0: not asked */
};

/* An offset that once was given. Its handle may be gone. */
struct offset {
	uint8_t file;
	int name, handle, pages;	/* @handle: its name */
	uint64_t offset;
};

/* Pages that the kernel has placed. */
struct map {
	char *addr;		/* NULL: not in use */
	int name, pages;
	uint32_t mine;		/* a bit for each page that is still the program's */
};

/* What has been seen, named in the order in which it was seen first. */
struct ident {
	uint64_t dev, ino;
	int pages;
	char text[16];
};

/* A range of the program's own addresses. */
struct range {
	char *addr;
	int pages, slot, map, page;	/* @slot or @map is -1; @page is the first one there */
};

struct prog {
	unsigned int index;	/* thread */
	int depth, step;	/* children of children */
	uint64_t random;
	int err;		/* errno after the last call */
	int low, lows;		/* numbers of this thread; for high ones see fd_high() */
	int few;		/* steps until the limit on descriptors is as before */
	int filtered;		/* seccomp filters */
	bool seen_filter;	/* one of them came by prctl() */
	bool filled[LOOKED];	/* until then these are taken by nothing */
	struct fd fds[NUMBERS];
	struct ident files[FILES];	/* of devices, by their sockets' inodes; not the first */
	int files_used;
	struct handle handles[HANDLES];
	bool opened[UINT8_MAX + 1];	/* files with a handle of GEM_OPEN */
	struct offset offsets[OFFSETS];
	struct map maps[MAPS];
	struct ident idents[IDENTS];
	int idents_used, handle_names, offset_names, map_names;
	char *arena;		/* SLOTS of SLOT pages, a page of PROT_NONE between them */
	char *hints;		/* addresses where nothing is */
	char *read_only, *none;	/* a page each, for arguments */
	char prefix[64], line[8192], view[8192];
	size_t used;
};

/* What the options say. */
extern unsigned int threads;
extern uint64_t seed;
extern bool writable;		/* each export has DRM_RDWR */
extern const char *self;	/* the program's path */
extern const struct fake_driver *driver;
extern int device, status_card;
extern bool works;		/* imports can be mapped natively */
void use_other_device(void);	/* from now on, for ask_offset() */

/* --avoid: a difference that is known, which would hide others. */
bool avoided(const char *what);

/* The fake kernel's own calls: see fake.h. */
extern int (*new_dmabuf)(size_t size, uint8_t fill, bool writable);

/* same.c */
uint32_t rnd(struct prog *p, uint32_t below);
bool one_in(struct prog *p, uint32_t n);
void run_steps(struct prog *p, int from, int to);
void finish(struct prog *p, int way) __attribute__((noreturn));
enum { ENDINGS = 7 };

/* same-say.c: the transcript. */
void say(struct prog *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void said(struct prog *p);			/* the line is whole */
const char *errno_name(int err);
const char *label(struct prog *p, int fd);	/* what @fd is */
struct ident *ident_of(struct prog *p, int fd);	/* of a dma-buf, else NULL */
int file_of(struct prog *p, int fd);		/* which open file of a device; or 0 */
void say_view(struct prog *p, bool whole);	/* what it has, if that has changed; or all */

/* Makes a call and keeps its errno; says the result, which is a number or an error. */
#define CALL(p, call) __extension__ ({		\
	long ret_;				\
	errno = KEPT;				\
	ret_ = (long)(call);			\
	(p)->err = errno;			\
	ret_; })
void result(struct prog *p, long ret);

/* same-fds.c */
int fd_pick(struct prog *p);			/* any number, sensible or not */
int fd_high(struct prog *p);
int fd_mine(struct prog *p);			/* one that the program has, or -1 */
int fd_card(struct prog *p);			/* the same, of a device */
int fd_dmabuf(struct prog *p);
int fd_of(struct prog *p, int file);
int fd_got(struct prog *p, int fd);		/* a call has given @fd; where it is now */
void fds_gone(struct prog *p, unsigned int first, unsigned int last);	/* they are closed */
void fds_refresh(struct prog *p);		/* what is open is what the program has */
void step_dup(struct prog *p);
void step_dup2(struct prog *p);
void step_dupfd(struct prog *p);
void step_close(struct prog *p);
void step_close_range(struct prog *p);
void step_flags(struct prog *p);
void step_plain(struct prog *p);
void step_pipe(struct prog *p);
void step_send(struct prog *p);
void step_few(struct prog *p);
void few_over(struct prog *p);
bool fd_filled(struct prog *p, int fd);

/* same-gem.c */
void step_open(struct prog *p);
void step_buffer(struct prog *p);
void step_dumb(struct prog *p);
void step_import(struct prog *p);
void step_export(struct prog *p);
void step_close_handle(struct prog *p);
void step_flink(struct prog *p);
void step_ask(struct prog *p);
void step_turn(struct prog *p);
void step_sync(struct prog *p);
void step_poll(struct prog *p);
int ask_offset(int fd, uint32_t handle, uint64_t *offset);

/* same-maps.c */
bool maps_start(struct prog *p);
bool range_pick(struct prog *p, struct range *r);
int map_new(struct prog *p, char *addr, int pages);	/* its name */
void say_range(struct prog *p, const struct range *r);
void range_gone(struct prog *p, const struct range *r);
void slots_mend(struct prog *p);
void step_map(struct prog *p);
void step_map_dmabuf(struct prog *p);
void step_anonymous(struct prog *p);
void say_mapped(struct prog *p, char *out, int pages, int slot, int page);

/* same-pages.c */
void pages_start(void);
void say_touch(struct prog *p, char *at, bool write, uint8_t value);
void step_unmap(struct prog *p);
void step_protect(struct prog *p);
void step_remap(struct prog *p);
void step_touch(struct prog *p);
void step_check(struct prog *p);
void step_wrong(struct prog *p);
void check_maps(struct prog *p);

/* same-children.c */
void step_fork(struct prog *p);
void step_vfork(struct prog *p);
void step_spawn(struct prog *p);
bool ended(pid_t pid, int *status);	/* false: it hung, or was lost */
void say_ended(struct prog *p, pid_t pid);
void exec_self(struct prog *p);

/* same-filter.c */
void step_filter(struct prog *p);

/* same-race.c */
void step_race(struct prog *p);

/* same-signals.c */
void step_signal(struct prog *p);
void step_storm(struct prog *p);

#endif
