/* SPDX-License-Identifier: MIT */
/*
 * The records of open DRM files; import.h and offsets.h have their imports and offsets.
 *
 *   descriptor --> open file --handle--> import --> buffer (one per dma-buf) <-- mapping
 *                      `----offset------^
 *
 * There is no policy here. A record may be stale, since the shim does not see every close. Before
 * the shim acts on a record, it fetches the dma-buf behind the handle and compares it with the
 * record's (record.c).
 */
#ifndef PRIMESHIM_FILE_H
#define PRIMESHIM_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hash.h"
#include "base/lock.h"
#include "base/queue.h"
#include "base/range.h"
#include "drivers/drivers.h"
#include "publish/names.h"

/*
 * An open file description. The memory of a record is only ever used for another file record, so
 * its lock can be taken at any time; see file_lock().
 */
struct file {
	struct lock lock;		/* protects the fields up to @offsets */
	dev_t rdev;
	char driver[NAME_LEN];		/* the driver's name; "" until the kernel was asked */
	uint8_t name;			/* name_number() of @driver */
	const struct driver *table;	/* @driver's table; NULL: the shim has none */
	bool wanted;			/* PRIMESHIM_DRIVERS names the driver */
	uint8_t access;			/* O_RDONLY, O_WRONLY, O_RDWR */
	struct hash imports;		/* by handle */
	struct ranges offsets;		/* offset -> struct import */
	struct queue held;		/* imports that can be handed over; under buffers_lock() */
	unsigned int unwaited;		/* submits without a list, less waits; the same */
	uint32_t waited;		/* the last wait that was counted so; the same */
	uint32_t asked;			/* of timeline.c; the same */
	/* Under descriptors_lock(): */
	unsigned int refs;		/* descriptors, and calls under way */
	int fd;				/* a descriptor of it; -1: descriptor_of() looks */
	struct file *all;		/* chain of all records */
	struct file *free;		/* chain of the records without a file, for reuse */
};

/* Drops all records of @f, which has no descriptor any more. */
void file_clear(struct file *f);

#endif
