/* SPDX-License-Identifier: MIT */
/*
 * The events of a status file, joined to imports, mappings and brackets with a beginning and an end
 * (spans), and to what happened at one moment (marks). For trace and plot. Times are nanoseconds of
 * CLOCK_MONOTONIC. They never go back from one event to the next, whatever a file says.
 */
#ifndef PRIMESHIM_TOOLS_TIMELINE_H
#define PRIMESHIM_TOOLS_TIMELINE_H

#include "status/status.h"

enum span_kind { SPAN_IMPORT, SPAN_MAPPING, SPAN_BRACKET, SPAN_KINDS };

struct span {
	enum span_kind kind;
	uint64_t from, to;
	uint64_t granted, ending;	/* bracket: START returned, END was called */
	bool unseen; /* no event has its beginning; @from is the earliest that it may have been */
	bool open;   /* it has not ended; @to is the process's end, or its last event */
	bool learned;		/* import: the shim found it when its map was refused */
	bool split;		/* mapping: the part behind an munmap in the middle */
	uint8_t importer, exporter;	/* names */
	uint8_t outcome;	/* mapping: enum status_outcome */
	uint8_t prot;		/* PROT_*, or DMA_BUF_SYNC_READ, _RW */
	int16_t told;		/* mapping: the driver's result, NATIVE_* or an errno */
	uint16_t entry;
	uint32_t handle;
	uint32_t tid, tid_end;
	uint64_t ino;
	uint64_t addr, bytes;	/* mapping: its address, and the bytes that are left of it */
	int import;		/* mapping, bracket: its import's index in @spans, or -1 */
};

enum mark_kind {
	MARK_AGAIN,		/* the program imported the dma-buf once more */
	MARK_REFUSAL,		/* the driver refused a map; the shim may have rescued it */
	MARK_FAULT,		/* the driver's mapping would have raised SIGBUS */
	MARK_DENIAL,
	MARK_FALLBACK,
	MARK_OWED,		/* START left out: the buffer was busy */
	MARK_TOUCH,
	MARK_POLICY,
	MARK_EXIT,
	MARK_KINDS
};

struct mark {
	enum mark_kind kind;
	uint64_t at;
	struct status_event event;
	int import;		/* as in a span */
};

struct timeline {
	const struct status *status;
	uint64_t from, to;	/* all spans and marks are within these */
	struct span *spans;	/* in the order of the events that began them */
	struct mark *marks;
	size_t nspans, nmarks;
	/* For timeline*.c alone. */
	size_t spans_room, marks_room;
	size_t *opened;		/* spans without an end, their indices in order */
	size_t nopened, opened_room;
};

/* Makes the timeline of a status file. */
void timeline_of(struct timeline *t, const struct status *p);

void timeline_free(struct timeline *t);

/* For timeline*.c: what the events say; and another open span. */
void timeline_events(struct timeline *t, const struct status *p);
struct span *timeline_add(struct timeline *t, struct span s);

/*
 * The index of the import of the buffer @ino: the one with this importer and handle; else one that
 * is open; else the last. -1: there is none. @ino may be 0: not known.
 */
int timeline_import(const struct timeline *t, uint64_t ino, unsigned int importer,
		    uint32_t handle);

static inline uint64_t address_end(uint64_t addr, uint64_t len)
{
	return addr + len < addr ? UINT64_MAX : addr + len;
}

/* "vgem handle 1 <- udmabuf"; without a known import "dma-buf 123 <- udmabuf". Clean text. */
const char *span_label(const struct timeline *t, const struct span *s, char *text, size_t len);

/* The text of a mark: "mmap refused: EINVAL". Clean text. */
const char *mark_text(const struct timeline *t, const struct mark *m, char *text, size_t len);

/* "import", "mapping", "bracket"; "refusal", ...: one word each. */
const char *span_word(enum span_kind kind);
const char *mark_word(enum mark_kind kind);

/* "NONE", "READ", "WRITE" or "RW": what a bracket or a mapping is for. */
const char *direction_name(unsigned int prot);

/*
 * Copies text from a status file to @out, as JSON and XML can have it: bytes that are no UTF-8 and
 * control characters become ?. Returns @out.
 */
const char *clean_text(const char *text, char *out, size_t len);

#endif
