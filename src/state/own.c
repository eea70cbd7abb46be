// SPDX-License-Identifier: MIT
/* Own exports; see own.h. */
#include "config.h"

#include "buffer.h"
#include "own.h"

/*
 * What was heard of a dma-buf first, by inode number, which is not used again while it matters:
 * they go up (dma_buf_getfile() of 6.12), or each CPU takes them in batches (get_next_ino()
 * in 5.10). So that two CPUs do not displace each other's they are scattered. What is displaced is
 * unknown.
 */
static struct origin {
	uint64_t ino;
	dev_t rdev;		/* the device that exported it; 0: it came from elsewhere */
} origins[1024];

static struct origin *slot(const struct dmabuf_id *id)
{
	return &origins[id->ino * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

void own_exported(const struct dmabuf_id *id, dev_t rdev)
{
	buffers_lock();
	/* While it is imported somewhere else it was here before this export. */
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
