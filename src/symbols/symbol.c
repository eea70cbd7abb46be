// SPDX-License-Identifier: MIT
/* The way between libc's functions and the hooks; see symbol.h. */
#include "config.h"

#include <errno.h>

#pragma GCC visibility push(hidden)
#include "hooks/mmap_hooks.h"
#include "kernel/sandbox.h"
#include "policy/fork.h"
#include "policy/settle.h"
#include "publish/publish.h"
#include "settings/settings.h"
#include "state/descriptor.h"
#include "state/kept.h"
#include "symbols/symbol.h"
#pragma GCC visibility pop

bool enter(struct border *b)
{
	if (lock_held() || !sandbox_may(MAY_RECORD) ||
	    (descriptors_orphaned() && !fork_unseen()))
		return false;
	b->saved = errno;
	inside_begin(&b->in);
	settle_left();
	publish_follow();
	return true;
}

int leave(const struct border *b, int ret)
{
	if (any(kept_live) && (any(kept_orphaned) || !mode_rescues()))
		follow_hook();
	inside_end(&b->in);
	errno = ret < 0 ? -ret : b->saved;
	return ret < 0 ? -1 : ret;
}
