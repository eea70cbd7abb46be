/* SPDX-License-Identifier: MIT */
/*
 * The fake kernel's devices: a table of plain numbers from the drivers' code, as a second opinion
 * on src/drivers/, whose numbers come from headers. drivers.c, the devices' client, uses the table
 * as well.
 */
#ifndef PRIMESHIM_FAKE_DRIVERS_H
#define PRIMESHIM_FAKE_DRIVERS_H

#include <stdbool.h>
#include <stdint.h>

/* What mmap() of an import gives at the device's offset. */
enum fake_import_map {
	MAPS_PAGES,	/* right: the dma-buf, or the driver maps its pages */
	MAPS_SIGBUS,	/* the pages fault */
	MAPS_OTHER,	/* other memory */
	MAPS_NOTHING,	/* EINVAL */
};

/* An ioctl that leads to a mapping. Places are in bytes. */
struct fake_way {
	const char *name;
	uint8_t nr, size;
	uint8_t handle, value;	/* a u32, and a u64 result: an offset, or an address */
	bool address;		/* it maps by itself, for reading and writing: */
	uint8_t start, length;	/* from where and how much, both u64 */
	bool selects;		/* it is this ioctl if the u32 at @select is @selected */
	uint8_t select, selected;
	int err;		/* for an import, or 0 */
};

/* An ioctl that says whose turn it is with a buffer: the CPU's or the device's. */
enum fake_turn_kind {
	TURN_BEGIN = 1,	/* of the CPU's accesses */
	TURN_END,
	TURN_WAIT,	/* for the buffer */
	TURN_WAIT_ANY,	/* for something */
	TURN_ASK,	/* whether the buffer is idle; it never waits */
	TURN_SUBMIT,	/* of work on a list of buffers */
	TURN_SUBMIT_ANY,
};

struct fake_turn {
	const char *name;
	uint8_t kind, nr, size;
	uint8_t handle;			/* where the u32 is */
	uint8_t op;			/* where the u32 for reading is, and for NOWAIT */
	uint8_t write_op;		/* and for writing, if elsewhere; not with 0 */
	uint32_t reads, writes, nowait;	/* its bits; no bits for reading: always */
	bool selects;			/* it is this ioctl if the u32 at @select is @selected */
	uint8_t select, selected;
	bool status;			/* the u32 at @result is not 0 if the buffer is busy */
	uint8_t result;
	bool fence;			/* the u32 at @result is 1 if fake_reach() is there */
	uint8_t timeout;		/* where the u64 is with which 0 waits for nothing; or 0 */
	/*
	 * The list: where the u64 that points to it is,
	 * or it itself if it is @fixed; and its length
	 */
	uint8_t list, count, fixed;
	uint8_t stride, element;	/* of an element; the handle in there */
	/* A submit's @writes, if any, is at @op in an element: else it may be written */
	uint8_t chunk;			/* one of chunks, by u64 pointers: its id */
	bool partial;			/* the device may use others, too */
	bool boxed;			/* with length at 8, element size at 12, pointer at 16 */
};

enum { FAKE_WAYS = 4, FAKE_TURNS = 6 };

struct fake_driver {
	const char *name;	/* in DRM_IOCTL_VERSION */
	const char *exports_as;	/* exp_name of its own dma-bufs */
	int import_err;		/* of another's dma-buf */
	uint8_t import_map;	/* enum fake_import_map */
	int dumb_err;		/* MODE_MAP_DUMB of an import */
	bool ranges;		/* an offset within a buffer is legal */
	bool own_mmap;		/* its mmap does not go through drm_gem_mmap_obj() */
	bool keeps_address;	/* the driver remembers where an import is mapped */
	bool no_reexport;	/* PRIME_HANDLE_TO_FD of an import: EOPNOTSUPP */
	bool hides;		/* work without a list adds no fence that poll() shows */
	bool surfaces;		/* a dma-buf that cannot be mapped has another kind of handle */
	struct fake_way ways[FAKE_WAYS];	/* up to one without a name; none: MODE_MAP_DUMB */
	struct fake_turn turns[FAKE_TURNS];	/* up to one without a name */
};

/* By enum fake_device, then others: /dev/dri/cardN has the Nth. */
enum { FAKE_DRIVERS = 35 };
extern const struct fake_driver fake_drivers[FAKE_DRIVERS];

#endif
