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
	bool unseen; /* it began before the first event that there is: @from is then that */
	bool open;   /* it had not ended: @to is when the process did, or the last event */
	bool learned;		/* import: found out when its map was refused */
	bool split;		/* mapping: what an munmap in the middle has left behind it */
	uint8_t importer, exporter;	/* names */
	uint8_t outcome;	/* mapping: enum status_outcome */
	uint8_t prot;		/* PROT_*, or DMA_BUF_SYNC_READ, _RW */
	int16_t told;		/* mapping: what the driver said to it, NATIVE_* or an errno */
	uint16_t entry;
	uint32_t handle;
	uint32_t tid, tid_end;
	uint64_t ino;
	uint64_t addr, bytes;	/* bytes of a mapping: what is left of it */
	int import;		/* of a mapping or bracket: its import's index in @spans, or -1 */
};

enum mark_kind {
	MARK_AGAIN,		/* an import was imported again */
	MARK_REFUSAL,		/* the driver said no, whatever came of it */
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
	uint64_t from, to;	/* nothing is outside of that */
	struct span *spans;	/* in the order in which they were found to begin */
	struct mark *marks;
	size_t nspans, nmarks;
	/* Its own. */
	size_t spans_room, marks_room;
	size_t *opened;		/* spans without an end, their indices in order */
	size_t nopened, opened_room;
};

/* The whole of a status file. */
void timeline_of(struct timeline *t, const struct status *p);

/* The same in steps: of no event yet, of another one, and the end of what is still open. */
void timeline_begin(struct timeline *t, const struct status *p);
void timeline_event(struct timeline *t, const struct status_event *e);
void timeline_finish(struct timeline *t);

void timeline_free(struct timeline *t);

/* For timeline*.c: adds a span, which is open. */
struct span *timeline_add(struct timeline *t, struct span s);

/*
 * The index of the import of the buffer @ino: that very one; else one that is open; else the last.
 * -1: none. @ino may be 0: not known.
 */
int timeline_import(const struct timeline *t, uint64_t ino, unsigned int importer,
		    uint32_t handle);

static inline uint64_t address_end(uint64_t addr, uint64_t len)
{
	return addr + len < addr ? UINT64_MAX : addr + len;
}

/* "vgem handle 1 <- udmabuf"; of an import that nobody saw "dma-buf 123 <- udmabuf". Clean text. */
const char *span_label(const struct timeline *t, const struct span *s, char *text, size_t len);

/* What a mark says: "mmap refused: EINVAL". Clean text. */
const char *mark_text(const struct timeline *t, const struct mark *m, char *text, size_t len);

/* "import", "mapping", "bracket"; "refusal", ...: one word each. */
const char *span_word(enum span_kind kind);
const char *mark_word(enum mark_kind kind);

/* "READ", "RW" of a bracket; "r-", "rw" of a mapping. */
const char *direction_name(unsigned int prot);

/*
 * Copies text from a status file to @out, as JSON and XML can have it: bytes that are no UTF-8 and
 * control characters become ?. Returns @out.
 */
const char *clean_text(const char *text, char *out, size_t len);

#endif
