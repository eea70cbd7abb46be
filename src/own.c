// SPDX-License-Identifier: MIT
/* Own exports; see own.h. */
#include "config.h"

#include "buffer.h"
#include "own.h"

/*
 * By inode number, which the kernel counts up (dma_buf_getfile()): a number is never used again,
 * and so nobody has to tell when a dma-buf is gone.
 */
static struct heard {
	uint64_t ino;
	dev_t rdev;	/* of the device that exported it; 0 is none's */
} heard[1024];

static struct heard *slot(const struct dmabuf_id *id)
{
	return &heard[id->ino % (sizeof(heard) / sizeof(*heard))];
}

static void hear(const struct dmabuf_id *id, dev_t rdev, bool surely)
{
	struct heard *h = slot(id);

	buffers_lock();
	if (h->ino != id->ino || surely) {
		h->ino = id->ino;
		h->rdev = rdev;
	}
	buffers_unlock();
}

void own_exported(const struct dmabuf_id *id, dev_t rdev)
{
	hear(id, rdev, false);
}

void own_imported(const struct dmabuf_id *id, bool proof)
{
	hear(id, 0, proof);
}

bool own_knows(const struct dmabuf_id *id, dev_t rdev)
{
	bool known;

	buffers_lock();
	known = slot(id)->ino == id->ino && slot(id)->rdev == rdev;
	buffers_unlock();
	return known;
}
