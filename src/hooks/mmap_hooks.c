// SPDX-License-Identifier: MIT
/* What happens around mmap, munmap, mprotect and mremap; see mmap_hooks.h. */
#include "config.h"

#include <errno.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "mmap_hooks.h"
#include "policy/direct.h"
#include "policy/mapped.h"
#include "policy/placed.h"
#include "policy/reach.h"
#include "records/record.h"
#include "settings/settings.h"

int mmap_hook(const struct mmap_call *c, void **out)
{
	unsigned int newest;
	struct view v;
	int ret;

	if (reach_seen(c->fd, c->off) || c->flags & MAP_ANONYMOUS ||
	    !record_find(c->fd, c->off, &v)) {
		newest = c->flags & MAP_FIXED ? mapped_newest() : 0;
		ret = mmap_native(c, out);
		mmap_placed(c, ret, newest);
		if (settings.direct && direct_may_be(c->flags))
			direct_mapped(c, ret, *out);
		return ret;
	}
	return redirect_map(&v, c, out);
}

int munmap_hook(void *addr, size_t len)
{
	return mapped_unmap(addr, len);
}

int mprotect_hook(void *addr, size_t len, int prot)
{
	return mapped_protect(addr, len, prot);
}

int mremap_hook(void *old, size_t old_len, size_t len, int flags, void *to, void **out)
{
	return mapped_move(old, old_len, len, flags, to, out);
}
