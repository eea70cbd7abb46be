// SPDX-License-Identifier: MIT
/* The program's own mmap(); see native_mmap.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "kernel/compat.h"
#include "kernel/next.h"
#include "kernel/page.h"
#include "kernel/sandbox.h"
#include "mapped.h"
#include "native_mmap.h"
#include "warm.h"

static int call(const struct mmap_call *c, void **out)
{
	*out = c->narrow ? next.mmap(c->addr, c->len, c->prot, c->flags, c->fd, c->off) :
			   next.mmap64(c->addr, c->len, c->prot, c->flags, c->fd, c->off);
	return *out == MAP_FAILED ? -errno : 0;
}

int mmap_native(const struct mmap_call *c, void **out)
{
	int ret = call(c, out);

	return ret == -ENOMEM && !(c->flags & MAP_FIXED) && warm_leave_all() ? call(c, out) : ret;
}

bool mmap_replaces(const struct mmap_call *c)
{
	return c->flags & MAP_FIXED && !(c->flags & MAP_FIXED_NOREPLACE);
}

/*
 * Is the call one that the kernel itself refuses for what file_refused() looks at alone? The kernel
 * has reasons of its own against other flags (do_mmap()), and against PROT_EXEC
 * (map_deny_write_exec() of PR_SET_MDWE).
 */
static bool plain(const struct mmap_call *c)
{
	const int flags = MAP_TYPE | MAP_FIXED | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE;

	switch (c->flags & MAP_TYPE) {
	case MAP_SHARED:
	case MAP_PRIVATE:
		return !(c->flags & ~flags) && !(c->prot & PROT_EXEC);
	default:
		return false;
	}
}

/*
 * Was it the file that refused the call with @err? The kernel asks the file after it has unmapped
 * the place (mmap_region()), and checks descriptors, access modes and limits before (do_mmap()).
 * In doubt the answer is no.
 */
static bool file_refused(const struct mmap_call *c, int err)
{
	bool shared = (c->flags & MAP_TYPE) != MAP_PRIVATE;
	int mode;

	if (!plain(c))
		return false;
	switch (err) {
	case -EINVAL:
		return c->len && (uintptr_t)c->addr % page_size() == 0 &&
		       c->off % page_size() == 0;
	case -EACCES:
		mode = sandbox_may(MAY_GETFL) ? next.fcntl(c->fd, F_GETFL) : -1;
		mode = mode < 0 ? O_WRONLY : mode & O_ACCMODE;
		return mode == O_RDWR || (mode == O_RDONLY && !(shared && c->prot & PROT_WRITE));
	case -ENXIO:
	case -EFAULT:
	case -EIO:
		return true;
	default:		/* the file or the kernel */
		return false;
	}
}

void mmap_placed(const struct mmap_call *c, int ret, unsigned int newest)
{
	if (!(c->flags & MAP_FIXED))
		return;
	if (ret < 0)
		mapped_refused(c->addr, c->len, newest, mmap_replaces(c) && file_refused(c, ret));
	else
		mapped_end(c->addr, c->len);
}
