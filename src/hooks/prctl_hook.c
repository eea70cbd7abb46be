// SPDX-License-Identifier: MIT
/* What happens around a prctl() that concerns a seccomp filter; see prctl_hook.h. */
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
	/* The child of a vfork() may well sandbox itself alone. */
	bool ours = settings.active && !descriptors_borrowed(), unseen;

	/* The status file needs the number, and the filter may forbid asking for it. */
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
