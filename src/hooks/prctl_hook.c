// SPDX-License-Identifier: MIT
/* What happens around prctl() where a sandbox comes; see prctl_hook.h. */
#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "base/lock.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "prctl_hook.h"
#include "records/report.h"
#include "settings/settings.h"
#include "state/descriptor.h"

int prctl_hook(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	/* The child of a vfork() may well go into a sandbox of its own. */
	bool ours = settings.active && !descriptors_borrowed(), unseen;

	/* A page has it, and it may not be asked any more afterwards. */
	if (ours && settings.dir)
		sandbox_pid();
	unseen = ours && option == PR_SET_SECCOMP && sandbox_unseen();
	if (next.prctl(option, a, b, c, d) < 0)
		return -errno;
	if (ours)
		sandbox_prctl(option, a, (const void *)(uintptr_t)b, unseen);
	if (ours && !lock_held())
		report_sandbox();
	return 0;
}
