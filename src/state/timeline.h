/* SPDX-License-Identifier: MIT */
/*
 * How far timeline syncobjs had come when the program asked last (DRM_IOCTL_SYNCOBJ_QUERY). An
 * answer that is higher than the one before is the end of a job. Each end counts once: after a
 * submit or a wait of the file's, the answers before say nothing any more. Of many syncobjs at once
 * only some are remembered.
 *
 * With buffers_lock() held.
 */
#ifndef PRIMESHIM_TIMELINE_H
#define PRIMESHIM_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct file;

/* The syncobj @handle of @f has come to @point. Is that known to be further than last time? */
bool timeline_rises(const struct file *f, uint32_t handle, uint64_t point);

/* The program has made a submit of @f, or waited for one; or the record is a new file's. */
void timeline_forget(struct file *f);

#endif
