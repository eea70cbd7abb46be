// SPDX-License-Identifier: MIT
/* Own exports; see own.h. */
#include "config.h"

#include "buffer.h"
#include "own.h"

/*
 * What was heard of a dma-buf first, by inode number. Those go up from dma-buf to dma-buf
 * (dma_buf_getfile() of 6.12; in batches of a CPU in 5.10, get_next_ino()), so that none is used
 * again while it matters, and the last ones heard of are the ones that are kept.
 */
static struct origin {
	uint64_t ino;
	dev_t rdev;		/* the device that exported it; 0: it came from elsewhere */
} origins[1024];

static struct origin *slot(const struct dmabuf_id *id)
{
	return &origins[id->ino % (sizeof(origins) / sizeof(*origins))];
}

static void hear(const struct dmabuf_id *id, dev_t rdev, bool proof)
{
	buffers_lock();
	if (proof || slot(id)->ino != id->ino)
		*slot(id) = (struct origin){ id->ino, rdev };
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
