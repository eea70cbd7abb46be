/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fuzzer share. A thread keeps a model of what it has: dma-bufs, open files,
 * objects and handles, descriptors, pieces of address space. Each step makes a call, and judges the
 * outcome by the model: it must be the fake kernel's native answer, or a mapping of the right
 * pages. If the shim can do its job, it must be such a mapping.
 *
 * A thread's objects are its own, so its model is exact. Threads share the first few files, but
 * each has its own handles there. Only dirty rounds have faults, and calls that the shim cannot
 * see.
 */
#ifndef PRIMESHIM_FUZZ_H
#define PRIMESHIM_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "linked.h"

enum {
	PAGE = 4096,
	BUFS = 16, FILES = 8, SHARED = 2, OBJECTS = 40, HANDLES = 48, FDS = 40, PIECES = 64,
	OLD = 64,
	TAINTED = 128, LINES = 30, MOST_PAGES = 12, THREADS = 8,
	FIRST_OWN = 200, OWN = 64,	/* numbers of descriptors that a thread has for itself */
	ANY_FD = 2048,			/* all are below */
	/* Where the shim keeps descriptors, with a limit of ANY_FD. */
	PRIVATE_FIRST = 1024, PRIVATE_END = 1536,
	KEPT = 4242,			/* what errno is before a call */
};

struct buf {			/* a dma-buf */
	uint32_t id;		/* 0: not in use */
	int pages, origin;	/* the exporting device, or -1 */
	bool exported;		/* its access mode is settled */
	bool writable;
	bool loose;		/* a child or a fault may have left a bracket open */
	bool doubtful;		/* a fault may have told the shim that it cannot be mapped */
	bool busy, was_busy;	/* a START may be owed */
	bool given;		/* exported since it was mapped: the device's turn */
	uint64_t ino;
	volatile uint64_t *view;	/* its pages, mapped by no way of the shim's */
};

struct ofile {			/* an open file; the first SHARED are everybody's */
	bool used, read_only;
	bool split;		/* the shim may take it for two, each with its offsets */
	bool muddled;		/* the shim may take another file for it: nothing is sure */
	int device;
};

struct object {
	bool used, import;
	int device, buf;
	uint32_t name;		/* of GEM_FLINK; 0: none yet */
	uint64_t native;	/* the driver's offset; 0: not asked yet */
};

struct handle {
	bool used;
	bool recorded;		/* the shim has a record of it, surely */
	bool primed;		/* PRIME_FD_TO_HANDLE of its dma-buf would find it, surely */
	bool sure;		/* @offset must work */
	int file, object;
	uint32_t number, via;	/* the serial of the descriptor that @offset was asked with */
	uint64_t offset;	/* what the map ioctl said; 0: not asked */
};

struct fd {
	int number;		/* -1: not in use */
	int file, buf;		/* one of them; the other -1 */
	uint32_t serial;
	bool known;		/* to the shim, surely */
	bool fixed;		/* not to be closed */
};

struct piece {			/* of address space, from one mapping */
	char *addr;		/* NULL: not in use */
	int pages, buf, first;	/* @buf: -1 for anonymous memory; @first: page of it */
	int prot;
	bool broken;		/* its pages raise SIGBUS */
	bool private;		/* MAP_PRIVATE, which only a fault makes work */
	bool inside;		/* not from the buffer's start, which is mapped before it */
};

struct old {			/* an offset whose handle is gone */
	int file;
	uint64_t offset;
	uint32_t buf;		/* its id */
	int pages;
};

struct thread {
	unsigned int index;
	uint64_t random;
	unsigned long step;
	bool dirty;
	bool blurred;		/* the number of the shim's records cannot be told */
	unsigned int ghosts;	/* it may have so many of handles that are gone */
	bool torn;		/* the same, and pages are not what the shim takes them for */
	bool disordered;	/* the shim may look for a duplicate's file in the wrong place */
	bool littered;		/* a fault kept the shim from unmapping something */
	unsigned long jumps;	/* out of handlers; each may have left a START amid its wait */
	bool child;
	uint32_t serial, id;
	int err, struck;	/* of the last call */
	int socks[2];
	volatile uint32_t *shared;	/* with children */
	struct buf bufs[BUFS];
	struct ofile files[FILES];
	struct object objects[OBJECTS];
	struct handle handles[HANDLES];
	struct fd fds[FDS];
	struct piece pieces[PIECES];
	struct old old[OLD];
	int tainted[TAINTED], taints;	/* numbers that were closed behind the shim's back */
	char lines[LINES][160];
};

/* fuzz.c */
extern unsigned int threads;
extern bool redirect, observe;
extern int status_fd[SHARED];

uint32_t rnd(struct thread *t, uint32_t below);
bool one_in(struct thread *t, uint32_t n);
void log_step(struct thread *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fail(struct thread *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#define EXPECT(t, cond, ...)			\
	do {					\
		if (!(cond))			\
			fail(t, __VA_ARGS__);	\
	} while (0)

/* fuzz-model.c: -1 where there is none or no room. */
int fd_new(struct thread *t, int number, int file, int buf, bool known);
int fd_at(struct thread *t, int number);
void fd_gone(struct thread *t, int fd);
int fd_pick(struct thread *t, bool files);	/* else dma-bufs */
int fd_of_file(struct thread *t, int file);
int fd_of_buf(struct thread *t, int buf);
int file_pick_new(struct thread *t);
int buf_new(struct thread *t);
void bufs_reap(struct thread *t);
int object_new_of(struct thread *t, int device, int buf, bool import);
int handle_add(struct thread *t, int file, int object, uint32_t number);
int handle_at(struct thread *t, int file, uint32_t number);
void handle_gone(struct thread *t, int handle);
int handle_pick(struct thread *t);
int piece_new(struct thread *t, const struct piece *p);
void carve(struct thread *t, const char *addr, int pages);
int piece_pick(struct thread *t, bool bufs_only);
bool room_for_pieces(struct thread *t, int n);
char *place(struct thread *t, int pages);
void taint(struct thread *t, int number);
bool tainted(struct thread *t, int number);

/* fuzz-check.c */
bool page_right(struct thread *t, const struct piece *p, int page);
void piece_check(struct thread *t, const struct piece *p);
void piece_write(struct thread *t, const struct piece *p);
void check_all(struct thread *all);
void check_nothing(struct thread *all, const char *when);
void baseline(void);

/* Around a call of the shim's: arm a fault (in a dirty round, now and then) and judge errno. */
void before(struct thread *t);
void after(struct thread *t, bool failed);
/* The outcome of a call, 0 or an errno: @want, or the fault that struck. */
void judge(struct thread *t, int got, int want);

/* fuzz-signals.c */
void signals_start(void);

/* fuzz-around.c */
extern int few;			/* -1: as many as there are */
void few_start(void);

/* fuzz-children.c */
int child_status(struct thread *t, pid_t pid);	/* fails where it hangs */

/* The steps. */
void step_open(struct thread *t);
void step_dup(struct thread *t);
void step_close(struct thread *t);
void step_close_range(struct thread *t);
void step_bad_fd(struct thread *t);
void settle_number(struct thread *t, int fd);
/* What a fault may have left uncertain of a file: whether the shim knows its descriptors as one. */
void doubt(struct thread *t, int file);
/* The shim takes a descriptor of @file for what it is no more. */
void muddle(struct thread *t, int file);
bool room_for_handle(struct thread *t);
void step_foreign(struct thread *t);
void step_dumb(struct thread *t);
void step_import(struct thread *t);
void step_export(struct thread *t);
void closed_unseen(struct thread *t, int handle);
void step_gem_close(struct thread *t);
void step_flink(struct thread *t);
void step_rename(struct thread *t);
void step_bad_ioctl(struct thread *t);
void step_map_ioctl(struct thread *t);
void step_map(struct thread *t);
void step_direct(struct thread *t);
void step_anonymous(struct thread *t);
void step_touch(struct thread *t);
void step_turn(struct thread *t);
void step_unmap(struct thread *t);
void step_remap(struct thread *t);
void step_bad_map(struct thread *t);
void step_busy(struct thread *t);
void step_fork(struct thread *t);
void step_vfork(struct thread *t);
void step_send(struct thread *t);
void step_storm(struct thread *t);
void step_end(struct thread *t);
void step_children(struct thread *t);
void step_private(struct thread *t);
void tear_down(struct thread *t);
long map_ioctl(int fd, uint32_t number, uint64_t *offset);

#endif
