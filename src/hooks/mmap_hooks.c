// SPDX-License-Identifier: MIT
/* What happens around mmap, munmap, mprotect and mremap; see mmap_hooks.h. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "kernel/next.h"
#include "kernel/page.h"
#include "mmap_hooks.h"
#include "policy/direct.h"
#include "policy/mapped.h"
#include "policy/native_mmap.h"
#include "policy/reach.h"
#include "policy/warm.h"
#include "records/record.h"
#include "settings/settings.h"

#ifndef MAP_GROWSDOWN
#define MAP_GROWSDOWN 0
#endif

/* The kernel keeps so much free in front of a mapping that grows (stack_guard_gap). */
#define GUARD_GAP	((size_t)256 * page_size())

/* Natively nothing is mapped where the shim keeps something. */
static void leave_place(const struct mmap_call *c)
{
	size_t gap = c->flags & MAP_GROWSDOWN ? GUARD_GAP : 0;

	gap = gap < (uintptr_t)c->addr ? gap : 0;
	warm_leave((char *)c->addr - gap, gap + c->len);
}

int mmap_hook(const struct mmap_call *c, void **out)
{
	unsigned int newest;
	struct view v;
	int ret;

	if (c->addr)
		leave_place(c);
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
	int ret;

	/* It may grow where it is. */
	warm_leave(old, len > old_len ? len : old_len);
	if (flags & MREMAP_FIXED)
		warm_leave(to, len);
	ret = mapped_move(old, old_len, len, flags, to, out);
	if (ret == -ENOMEM && !(flags & MREMAP_FIXED) && warm_leave_all())
		ret = mapped_move(old, old_len, len, flags, to, out);
	return ret;
}

void touch_hook(const void *addr, size_t len)
{
	warm_touched(addr, len);
}

/* shmat() rounds down (SHMLBA), and only the kernel knows the segment's size. */
#define MOST_SHMLBA	((size_t)1 << 18)

void attach_hook(const void *addr)
{
	size_t before = (uintptr_t)addr % MOST_SHMLBA;

	warm_leave((const char *)addr - before, SIZE_MAX);
}

void confine_hook(void)
{
	warm_confine();
}

void confined_hook(void)
{
	warm_ask_again();
}

void lock_all_hook(void)
{
	warm_stop();
}

void follow_hook(void)
{
	warm_follow();
}
