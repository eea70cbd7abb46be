// SPDX-License-Identifier: MIT
/* Own exports; see own.h. */
#include "config.h"

#include "buffer.h"
#include "own.h"

/*
 * The first fact that the shim heard of a dma-buf, by inode number. No number is used again while
 * it matters: the kernel counts up (dma_buf_getfile() of 6.12), or each CPU hands out numbers in
 * batches (get_next_ino() in 5.10). So that two CPUs' batches do not collide, slots are chosen by a
 * hash. A collision replaces the older entry, whose origin is then unknown.
 */
static struct origin {
	uint64_t ino;
	dev_t rdev;		/* the device that exported it; 0: another source */
} origins[1024];

static struct origin *slot(const struct dmabuf_id *id)
{
	return &origins[id->ino * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

void own_exported(const struct dmabuf_id *id, dev_t rdev)
{
	buffers_lock();
	/* A dma-buf that is imported somewhere existed before this export. */
	if (slot(id)->ino != id->ino)
		*slot(id) = (struct origin){ id->ino, buffer_known(id) ? 0 : rdev };
	buffers_unlock();
}

void own_imported(const struct dmabuf_id *id, bool proof)
{
	buffers_lock();
	if (proof || slot(id)->ino != id->ino)
		*slot(id) = (struct origin){ id->ino, 0 };
	buffers_unlock();
}

bool own_knows(const struct dmabuf_id *id, dev_t rdev)
{
	bool known;

	buffers_lock();
	known = slot(id)->ino == id->ino && slot(id)->rdev == rdev;
	buffers_unlock();
	return known;
}
