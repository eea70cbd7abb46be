// SPDX-License-Identifier: MIT
/* Map ioctls that the driver refused; see refused.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "attempt.h"
#include "checked.h"
#include "kernel/dmabuf.h"
#include "kernel/next.h"
#include "mapped.h"
#include "reach.h"
#include "records/record.h"
#include "records/report.h"
#include "records/who.h"
#include "refused.h"
#include "settings/settings.h"
#include "warm.h"

bool refused_as_import(int err)
{
	switch (err) {
	case -EACCES:		/* MODE_MAP_DUMB on a render node (drm_ioctl_permit()) */
	case -EINVAL:		/* drm_gem_dumb_map_offset(): imports may not be mapped */
	case -ENODEV:
	case -ENXIO:
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/*
 * The dma-buf behind @handle, which the driver refused to map with @err: a descriptor that the
 * caller owns and its buffer with a reference, or a negative errno. @proof:
 * drm_gem_dumb_map_offset() says EINVAL of imports and of nothing else, so the refusal also shows
 * an import that the shim did not see being made.
 */
static int fetch(int fd, uint32_t handle, bool proof, enum status_call call, int err,
		 struct buffer **b)
{
	int dmabuf, why = 0;

	if (!record_knows(fd, handle) && !(proof && err == -EINVAL))
		return -ENOENT;
	dmabuf = record_fetch(fd, handle, proof && err == -EINVAL, b);
	if (dmabuf < 0)
		return dmabuf;
	if (mode_rescues()) {
		why = attempt_mappable(*b, dmabuf);
		if (!why)
			return dmabuf;
	}
	report_refused(fd, handle, *b, call, err, OUTCOME_REFUSED, why);
	next.close(dmabuf);
	record_put(*b);
	return -ENXIO;
}

int refused_offset(int fd, uint32_t handle, bool proof, int err, uint64_t *offset)
{
	struct buffer *b;
	int dmabuf = fetch(fd, handle, proof, CALL_MAP_IOCTL, err, &b);

	if (dmabuf < 0)
		return err;
	next.close(dmabuf);
	*offset = reach_mmap() ? record_synthetic(fd, handle, b) : 0;
	report_refused(fd, handle, b, CALL_MAP_IOCTL, err,
		       *offset ? OUTCOME_OFFSET : OUTCOME_REFUSED, *offset ? 0 : -ENOMEM);
	if (*offset)
		checked(fd, handle, b);
	record_put(b);
	return *offset ? 0 : err;
}

int refused_address(int fd, uint32_t handle, uint64_t start, uint64_t len, int err, void **out)
{
	const int prot = PROT_READ | PROT_WRITE;
	int dmabuf, ret = -EINVAL;
	struct warm w = { NULL };
	struct buffer *b;
	size_t lead;

	dmabuf = fetch(fd, handle, false, CALL_MAP_ADDRESS, err, &b);
	if (dmabuf < 0)
		return err;
	if (len <= SIZE_MAX && warm_take(b, len, start, prot, MAP_SHARED, false, &w,
					 out)) {
		ret = 0;
		lead = start;
	} else if (len <= SIZE_MAX) {
		ret = dmabuf_mmap(dmabuf, buffer_size(b), NULL, len, prot, MAP_SHARED, start, out,
				  &lead);
	}
	if (ret < 0) {
		report_refused(fd, handle, b, CALL_MAP_ADDRESS, err, OUTCOME_REFUSED, ret);
		next.close(dmabuf);
		record_put(b);
		return err;
	}
	report_address(fd, handle, b, err, start, len, *out);
	mapped_begin(b, *out, len, lead, prot,
		     who_imports(fd) | warm_note(NULL, len, prot, MAP_SHARED), dmabuf, &w);
	return 0;
}
