// SPDX-License-Identifier: MIT
/* The probes' semaphores: each counts the tools that are attached; see probes.h. */
#include "config.h"

#include "probes.h"

#ifdef HAVE_SYS_SDT_H
PROBE_SEMAPHORE(import);
PROBE_SEMAPHORE(map);
PROBE_SEMAPHORE(fallback);
PROBE_SEMAPHORE(begin);
PROBE_SEMAPHORE(end);
PROBE_SEMAPHORE(close);
#endif
