// SPDX-License-Identifier: MIT
/* Which ioctls may matter; see watch.h. */
#include "config.h"

#include <drm.h>
#include <linux/dma-buf.h>
#include <linux/ioctl.h>

#include "settings.h"
#include "watch.h"

atomic_uint ioctl_watch[1 << 16];
atomic_uint watch_now = WATCH_ALWAYS | WATCH_EXPORTS;

/* With a status file the policy may change to any other. */
static uint8_t bits_of(const struct driver *d, const struct drv_ioctl *i)
{
	bool turns = sync_turns() || settings.dir;

	switch (i->role) {
	case ROLE_IMPORT:
		return WATCH_ALWAYS;
	case ROLE_EXPORT:
		if (mode_now() == MODE_DENY || settings.dir)
			return WATCH_ALWAYS;
		return exports_writable() ? WATCH_EXPORTS | WATCH_IMPORTS : WATCH_IMPORTS;
	case ROLE_MAP_OFFSET:
		/* The shim learns an import here that it did not see being made. */
		return d == &generic_driver ? WATCH_ALWAYS : WATCH_IMPORTS;
	case ROLE_CLOSE:
	case ROLE_RENAME:
	case ROLE_CREATE:
	case ROLE_TELL_OFFSET:
	case ROLE_MAP_ADDRESS:
		return WATCH_IMPORTS;
	case ROLE_CPU_BEGIN:
	case ROLE_FRAME:
		return turns ? WATCH_IMPORTS : 0;
	case ROLE_CPU_END:
	case ROLE_SUBMIT:
	case ROLE_SUBMIT_ANY:
	case ROLE_SCANOUT:
		return turns ? WATCH_BRACKETS : 0;
	case ROLE_WAIT:
	case ROLE_WAIT_ANY:
		/* While it waits another thread may submit. */
		return !turns ? 0 : i->asks ? WATCH_OWED : WATCH_BRACKETS | WATCH_OWED;
	default:
		return 0;
	}
}

void watch_driver(const struct driver *d)
{
	for (unsigned int i = 0; i < d->n; i++)
		atomic_fetch_or_explicit(&ioctl_watch[(uint16_t)d->ioctls[i].request],
					 bits_of(d, &d->ioctls[i]), memory_order_relaxed);
}

void watch_init(void)
{
	if (settings.active)
		watch_driver(&generic_driver);
	if (settings.active && (mode_now() == MODE_OBSERVE || settings.dir || settings.direct))
		ioctl_watch[(uint16_t)DMA_BUF_IOCTL_SYNC] = WATCH_ALWAYS;
	if (settings.direct)
		watch_count(WATCH_DIRECT, 1);
}

void watch_count(unsigned int bit, unsigned int n)
{
	if (n)
		atomic_fetch_or_explicit(&watch_now, bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&watch_now, ~bit, memory_order_relaxed);
}
