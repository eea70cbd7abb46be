/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of open DRM files; import.h and offsets.h have their imports and offsets.
 *
 *   descriptor --> open file --handle--> import --> buffer (one per dma-buf) <-- mapping
 *                      `----offset------^
 *
 * No policy. Records may be stale (a close that was not seen): before one is acted on, the dma-buf
 * behind the handle is fetched and compared (record.c).
 */
#ifndef PRIMESHIM_FILE_H
#define PRIMESHIM_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/hash.h"
#include "base/lock.h"
#include "base/range.h"
#include "drivers/drivers.h"
#include "report/names.h"

/*
 * An open file description. The memory of one is only ever used for another, so that its lock can
 * be taken at any time; see file_lock().
 */
struct file {
	struct lock lock;		/* protects what follows, up to offsets */
	dev_t rdev;
	char driver[NAME_LEN];		/* its name; "" until asked */
	uint8_t name;			/* name_number() of that */
	const struct driver *table;	/* what is known of that; NULL: nothing */
	bool wanted;			/* by PRIMESHIM_DRIVERS */
	uint8_t access;			/* O_RDONLY, O_WRONLY, O_RDWR */
	struct hash imports;		/* by handle */
	struct ranges offsets;		/* by offset -> struct import */
	/* Under descriptors_lock(): */
	unsigned int refs;		/* descriptors, and calls under way */
	int fd;				/* one of its descriptors, or -1: look for one */
	struct file *all;		/* chain of every one there is */
	struct file *free;		/* chain of those that are to be used again */
};

/* Forget all that is remembered of @f, which has no descriptor any more. */
void file_clear(struct file *f);

#endif
