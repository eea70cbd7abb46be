// SPDX-License-Identifier: MIT
/* What happens around mmap and munmap; see mmap_hooks.h. */
#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "file.h"
#include "log.h"
#include "mapping.h"
#include "mmap_hooks.h"
#include "next.h"
#include "page.h"
#include "record.h"
#include "redirect.h"
#include "settings.h"
#include "stats.h"

static bool any(atomic_uint *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

bool mmap_watched(int flags)
{
	return settings.active && ((!(flags & MAP_ANONYMOUS) && any(&imports_live)) ||
				   (flags & MAP_FIXED && any(&mappings_live)));
}

bool munmap_watched(void)
{
	return settings.active && any(&mappings_live);
}

int mmap_hook(void *addr, size_t len, int prot, int flags, int fd, uint64_t off, void **out)
{
	struct view v;
	bool ours = !(flags & MAP_ANONYMOUS) && redirect_find(fd, off, &v);
	int ret;

	if (ours && settings.mode == MODE_REDIRECT) {
		ret = redirect_map(&v, addr, len, prot, flags, off, out);
	} else {
		ret = next_mmap(addr, len, prot, flags, fd, off, out);
		if (!ret && flags & MAP_FIXED)
			redirect_forget(*out, len);
	}
	if (ours && settings.mode == MODE_OBSERVE) {
		if (!ret)
			stat_inc(STAT_NATIVE);
		log_line("map: %s: %zu bytes at %llu: native: %s; redirect would try the dma-buf",
			 record_label(fd, v.handle, v.buffer).text, len,
			 (unsigned long long)v.delta, ret < 0 ? log_errno(ret) : "ok");
	}
	if (ours)
		record_put(v.buffer);
	return ret;
}

int munmap_hook(void *addr, size_t len)
{
	/* Before the call: afterwards another thread may have been given the same addresses. */
	if ((uintptr_t)addr % page_size() == 0 && len && (uintptr_t)addr + len > (uintptr_t)addr)
		redirect_forget(addr, len);
	return next.munmap(addr, len) < 0 ? -errno : 0;
}
