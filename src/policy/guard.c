// SPDX-License-Identifier: MIT
/* Pages that cannot be touched while it is a device's turn; see guard.h. */
#include "config.h"

#include <sys/mman.h>

#include "guard.h"
#include "kernel/next.h"
#include "state/mapping.h"

void guard_set(struct buffer *b, bool guarded)
{
	struct mapping m;

	/*
	 * All mappings, whatever they are now: one may have been added. And their leads, for the
	 * reason at lead_of() in mapped.c. The shim guards no mappings that it does not
	 * bracket.
	 */
	for (uint64_t at = 0; mapping_at(at, UINTPTR_MAX - at, &m); at = m.end)
		if (m.buffer == b && !(guarded && m.note & NOTE_DIRECT && !buffer_all(b)))
			next.mprotect((void *)(uintptr_t)(m.start - m.lead),
				      m.lead + m.end - m.start, guarded ? PROT_NONE : m.prot);
	b->guarded = guarded;
}
