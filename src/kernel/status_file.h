/* SPDX-License-Identifier: MIT */
/*
 * The status file: what a process under the shim reports to other processes, while it runs and
 * after. The shim makes a file PID-SECONDS.NANOSECONDS.primeshim in $PRIMESHIM_DIR, mode 0400, at
 * the first import, be it refused or of the device's own export, or when the program first maps a
 * dma-buf by its own descriptor. The process maps the file shared, and primeshim(1) reads it. This
 * is the file's layout, version 2: fixed widths in the machine's byte order, the same for 32 and 64
 * bits.
 *
 * The process alone writes the file, but for @policy, by which a reader tells the process another
 * mode. @policy is also the only word that the process reads. Counters are relaxed atomics, each
 * for itself. The process writes an entry of a table between two increments of the entry's @seq,
 * which is odd meanwhile. An entry is whole if its @seq was the same even number before and after
 * it was read. An event's @seq is the event's number, counted from 1, and is written last. The ring
 * keeps the last @events.n events, event N in slot (N - 1) % n. A reader must trust nothing that it
 * reads: the file may have been cut short, or may have been written by anybody.
 */
#ifndef PRIMESHIM_STATUS_FILE_H
#define PRIMESHIM_STATUS_FILE_H

#include <stdint.h>

#define STATUS_MAGIC	"PRIMESHM"
#define STATUS_VERSION	2
#define STATUS_ORDER	0x01020304U
#define STATUS_SUFFIX	".primeshim"
#define STATUS_WISH	".set"
#define STATUS_NAME_LEN	32

/*
 * Words that other processes read while they change, by the compiler's __atomic functions. (C11's
 * atomic types have a layout that differs between compilers on i386.)
 */
typedef uint32_t shared_u32;
typedef uint64_t shared_u64 __attribute__((aligned(8)));

/* Values of PRIMESHIM_MODE and PRIMESHIM_SYNC, in that order. */
enum mode { MODE_REDIRECT, MODE_RESCUE, MODE_OBSERVE, MODE_DENY, MODE_OFF, MODE_COUNT };
enum sync_policy { SYNC_DRIVER, SYNC_MAP, SYNC_OFF, SYNC_TRAP, SYNC_COUNT };

/* Values of PRIMESHIM_DIRECT. */
enum direct { DIRECT_OFF, DIRECT_OBSERVE, DIRECT_SYNC };

#define STATUS_MODES	{ "redirect", "rescue", "observe", "deny", "off" }
#define STATUS_SYNCS	{ "driver", "map", "off", "trap" }
#define STATUS_POLICY(mode, sync)	((uint32_t)(mode) | (uint32_t)(sync) << 8)
#define STATUS_MODE(policy)		((policy) & 0xff)
#define STATUS_SYNC(policy)		((policy) >> 8)

/* Counters of the whole process. */
enum counter {
	STAT_IMPORT,		/* PRIME_FD_TO_HANDLE seen to succeed */
	STAT_LEARNED,		/* import learned when its map was refused */
	STAT_STALE,		/* handle found to hold another dma-buf than remembered */
	STAT_REFUSED,		/* map ioctl of an import that the driver refused */
	STAT_OFFSET,		/* refused map ioctl answered with a synthetic offset */
	STAT_REDIRECTED,	/* mmap served from the dma-buf */
	STAT_NATIVE,		/* mmap of an import served by the driver */
	STAT_FALLBACK,		/* the dma-buf could not be mapped; the driver was asked */
	STAT_DENIED,		/* mmap of an import refused by PRIMESHIM_MODE=deny */
	STAT_EXPORT,		/* PRIME_HANDLE_TO_FD that was given DRM_RDWR */
	STAT_BEGIN,		/* DMA_BUF_IOCTL_SYNC START */
	STAT_END,		/* DMA_BUF_IOCTL_SYNC END */
	STAT_OWED,		/* START deferred: the buffer was busy */
	STAT_BLOCKED,		/* nanoseconds in START */
	STAT_TOLD,		/* call that told a driver that the CPU's accesses begin */
	STAT_OWN,		/* the program's own DMA_BUF_IOCTL_SYNC START; stats.h */
	STAT_TOUCHED,		/* PRIMESHIM_SYNC=trap: touch out of the CPU's turn */
	STAT_IMPORT_OWN,	/* PRIME_FD_TO_HANDLE of the device's own export */
	STAT_IMPORT_UNKNOWN,	/* import that may be the device's own (who.h) */
	STAT_LOST,		/* bracket without an END: its descriptor was gone */
	STAT_NO_DESCRIPTOR,	/* mapping without a bracket: no private descriptor */
	STAT_LATE,		/* map that waited a second for a fence, in vain */
	/* PRIMESHIM_DIRECT: dma-bufs that the program maps by their own descriptors. */
	STAT_DIRECT,		/* mmap of a dma-buf's descriptor */
	STAT_DIRECT_BUFFERS,	/* dma-buf that was so mapped */
	STAT_DIRECT_SYNCED,	/* such a dma-buf that the program syncs itself */
	STAT_DIRECT_SYNC,	/* the program's DMA_BUF_IOCTL_SYNC START of one of them */
	STAT_DIRECT_REFUSED,	/* mmap for writing of a read-only dma-buf (EACCES) */
	STAT_KEPT,		/* unmap whose pages the shim has kept */
	STAT_WARM,		/* mmap that got such pages */
	STAT_LEFT,		/* such pages that were unmapped after all */
	STAT_COUNT,
};

/* A table in the file. */
struct status_section {
	uint32_t offset;		/* bytes from the start of the file */
	uint32_t stride;		/* bytes of an entry */
	uint32_t n;			/* entries that the table has room for */
	shared_u32 used;		/* names, pairs: entries in use. events: events so far.
					 * Others: no later entry was ever used */
};

enum status_state { STATUS_RUNNING, STATUS_EXITED };

struct status_file {
	char magic[8];
	uint32_t version;
	uint32_t order;			/* STATUS_ORDER */
	uint32_t size;			/* bytes of the file */
	uint32_t pid, ppid;		/* in the process's PID namespace */
	uint32_t bits;			/* of a pointer: 32 or 64 */
	uint64_t made_real;		/* when it was made: nanoseconds, CLOCK_REALTIME */
	uint64_t made;			/* the same by CLOCK_MONOTONIC, as all times below */
	char program[64];		/* program_invocation_short_name */
	char command[256];		/* arguments with NULs between them, cut short */
	char shim[16];			/* version of the shim */
	shared_u32 policy;	/* STATUS_POLICY() from the process's next call on */
	uint32_t start_policy;		/* the policy at the start */
	uint16_t forked;		/* 1: a fork()'s child, with its parent's imports */
	uint16_t direct;		/* enum direct */
	shared_u32 state;	/* enum status_state; a killed process stays RUNNING */
	shared_u64 ended;	/* when the process exited */
	shared_u32 imports_live, imports_most;
	shared_u32 no_room;	/* entries that found no room in a table */
	shared_u32 kept;	/* KiB that stay mapped for the next map */
	shared_u64 blocked_most;	/* the longest START, nanoseconds */
	struct status_section names, pairs, buffers, imports, mappings, events;
	shared_u64 counters[32];	/* enum counter */
};

/*
 * What primeshim set writes into PID.set in the same directory for a process that has no status
 * file yet. The process looks for it once, when it makes its status file, and removes it. The
 * file's owner is the process's user or root.
 */
struct status_wish {
	uint32_t order;			/* STATUS_ORDER */
	uint32_t policy;		/* STATUS_POLICY(); either part may be STATUS_AS_IS */
	uint64_t start;			/* field 22 of /proc/PID/stat: PIDs are used again */
};

#define STATUS_AS_IS	0xffU

/* Names of importers (drivers) and exporters (exp_name). Entry 0 is "", entry 1 "?": not known. */
typedef char status_name[STATUS_NAME_LEN];

/* In the place of an importer: the program has mapped the dma-buf by its own descriptor. */
#define STATUS_ITSELF	"itself"

enum status_call {
	CALL_IMPORT, CALL_LEARN, CALL_MAP_IOCTL, CALL_MAP_ADDRESS, CALL_MMAP,
	CALL_DIRECT,	/* mmap of the dma-buf's descriptor; the importer is STATUS_ITSELF */
	CALL_COUNT
};

enum status_outcome {
	OUTCOME_NATIVE,		/* the driver's result (of an import: it was made) */
	OUTCOME_OFFSET,		/* the shim answered a refusal with a synthetic offset */
	OUTCOME_DMABUF,		/* the dma-buf was mapped */
	OUTCOME_REFUSED,	/* the program got the driver's refusal */
	OUTCOME_DENIED,		/* the shim refused, as PRIMESHIM_MODE=deny says */
	OUTCOME_COUNT
};

/* The driver's result: 0, an errno, or one of these. */
#define NATIVE_UNASKED	(-1)		/* the driver was not asked */
#define NATIVE_SIGBUS	(-2)		/* mapped, but its first page cannot be read */

/* How often a call had this outcome between two devices. */
struct status_pair {
	uint8_t importer, exporter;	/* names */
	uint8_t call, outcome;		/* enum status_call, enum status_outcome */
	int16_t native;			/* the driver's result, as above */
	int16_t reason;			/* fallback: errno of mapping the dma-buf; or 0 */
	shared_u64 count;
	shared_u64 bytes;
};

/* Whose turn it is with a buffer. state/turn.h has what leads from one to the other. */
enum turn {
	TURN_NONE,		/* nobody's: it is not mapped, or has no brackets */
	TURN_CPU,		/* the CPU's: a bracket is open, and an END owed */
	TURN_CPU_LATER,		/* the CPU's, without a bracket: a START would have had to wait */
	TURN_DEVICE_READS,	/* handed over, and since then to nobody who writes it */
	TURN_DEVICE,		/* handed over to somebody who may write it */
	TURN_COUNT
};

/* A turn, and the direction of the bracket that is open (DMA_BUF_SYNC_*) or 0, in one byte. */
#define STATUS_TURN(shown)	((shown) & 15)
#define STATUS_BRACKET(shown)	((shown) >> 4)
#define STATUS_SHOWN(turn, bracket)	((turn) | (bracket) << 4)

/* A dma-buf that is imported or mapped. */
struct status_buffer {
	shared_u32 seq;
	uint8_t live;
	uint8_t exporter;
	uint8_t turn;			/* STATUS_SHOWN() */
	uint8_t no_brackets;		/* 1: the dma-buf knows no DMA_BUF_IOCTL_SYNC */
	uint64_t ino, size;		/* size in bytes */
	shared_u64 begins, ends, owed;
	shared_u64 blocked;	/* nanoseconds in START */
};

struct status_import {
	shared_u32 seq;
	uint8_t live;
	uint8_t importer;
	uint16_t buffer;		/* entry of @buffers + 1; 0: it has none */
	uint32_t handle;
	uint32_t tid;			/* the thread that made it */
	uint64_t since;
};

/* Whose mapping: of the dma-buf, by the shim; the driver's; of the dma-buf, by the program. */
enum mapped_by { MAPPED_DMABUF, MAPPED_NATIVE, MAPPED_DIRECT };

struct status_mapping {
	shared_u32 seq;
	uint8_t live;
	uint8_t importer;
	uint16_t buffer;		/* entry of @buffers + 1; 0: it has none */
	uint8_t prot;			/* PROT_* */
	uint8_t by;			/* enum mapped_by */
	uint16_t reserved;
	uint32_t tid;
	uint64_t start, end;
	uint64_t since;
};

enum status_event_kind {
	EVENT_NONE,
	EVENT_IMPORT,		/* importer exporter handle entry ino, len: bytes */
	EVENT_LEARN,		/* the same */
	EVENT_CLOSE,		/* as EVENT_IMPORT */
	EVENT_MAP_IOCTL,	/* importer exporter handle ino native reason outcome */
	EVENT_MAP,		/* as EVENT_MAP_IOCTL, and addr len prot */
	EVENT_UNMAP,		/* exporter addr len ino */
	EVENT_FALLBACK,		/* importer exporter handle ino reason; EVENT_MAP follows */
	EVENT_BEGIN,		/* ino prot (DMA_BUF_SYNC_*), took */
	EVENT_END,		/* the same */
	EVENT_OWED,		/* ino prot */
	EVENT_TOUCH,		/* PRIMESHIM_SYNC=trap: ino addr */
	EVENT_POLICY,		/* handle: the policy from here on */
	EVENT_EXIT,
	EVENT_KEEP,		/* exporter addr len ino: these pages of that unmap stay mapped */
	EVENT_LEAVE,		/* exporter addr len ino: they are unmapped after all */
	EVENT_COUNT
};

struct status_event {
	shared_u32 seq;
	uint32_t tid;
	uint64_t at;			/* ns, CLOCK_MONOTONIC; BEGIN, END: of the return */
	uint8_t kind;			/* enum status_event_kind */
	uint8_t importer, exporter;	/* names */
	uint8_t outcome;		/* enum status_outcome */
	int16_t native, reason;		/* as in a pair */
	uint32_t handle;
	uint16_t entry;			/* entry of @imports + 1: two files may share a handle */
	uint8_t prot;			/* PROT_*, or DMA_BUF_SYNC_READ, _RW */
	uint8_t reserved;
	uint64_t ino;
	uint64_t addr;
	uint64_t len;			/* bytes */
	uint64_t took;			/* nanoseconds */
};

/* The layout is the same on every machine. */
_Static_assert(sizeof(struct status_section) == 16, "layout");
_Static_assert(sizeof(struct status_file) == 784, "layout");
_Static_assert(sizeof(struct status_wish) == 16, "layout");
_Static_assert(sizeof(struct status_pair) == 24, "layout");
_Static_assert(sizeof(struct status_buffer) == 56, "layout");
_Static_assert(sizeof(struct status_import) == 24, "layout");
_Static_assert(sizeof(struct status_mapping) == 40, "layout");
_Static_assert(sizeof(struct status_event) == 64, "layout");

#endif
