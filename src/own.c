// SPDX-License-Identifier: MIT
/* Own exports; see own.h. */
#include "config.h"

#include "buffer.h"
#include "own.h"

/*
 * By inode number, which the kernel counts up (dma_buf_getfile()): a number is never used again,
 * and so nobody has to tell when a dma-buf is gone.
 */
static struct export {
	uint64_t ino;
	dev_t rdev;
} exports[1024];

static uint64_t newest;		/* of all that were seen */

static struct export *slot(const struct dmabuf_id *id)
{
	return &exports[id->ino % (sizeof(exports) / sizeof(*exports))];
}

void own_exported(const struct dmabuf_id *id, dev_t rdev)
{
	buffers_lock();
	if (id->ino > newest) {
		*slot(id) = (struct export){ id->ino, rdev };
		newest = id->ino;
	}
	buffers_unlock();
}

void own_imported(const struct dmabuf_id *id, bool proof)
{
	buffers_lock();
	if (id->ino > newest)
		newest = id->ino;
	if (proof && slot(id)->ino == id->ino)
		slot(id)->ino = 0;
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
