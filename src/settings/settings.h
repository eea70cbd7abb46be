/* SPDX-License-Identifier: MIT */
/*
 * The settings: PRIMESHIM_* of the environment and primeshim.conf (config_file.h). The constructor
 * writes them once, before the program has a second thread; afterwards they are immutable and need
 * no lock. The policy, which is mode and sync, is the exception: primeshim(1) can change it where
 * the process has a status file.
 *
 *   PRIMESHIM_MODE    redirect (default)  imports are mapped through their dma-buf
 *                     rescue              only where the driver's own mapping does not work
 *                     observe             the native way; the log says what redirect would do
 *                     deny                mmap of an import fails with EINVAL
 *                     off                 every hook forwards
 *   PRIMESHIM_SYNC    driver (default)    brackets around the accesses that the program makes known
 *                                         to the driver; see sync.h
 *                     map                 START at map, END at the last unmap
 *                     off                 no brackets
 *                     trap                as driver; a touch while it is not the CPU's
 *                                         turn is caught; see trap.h
 *   PRIMESHIM_EXPORT  write (default)     redirect and rescue add DRM_RDWR to the program's exports
 *                     keep                the program's exports stay as the program says
 *   PRIMESHIM_DIRECT  off                 dma-bufs that the program maps by their own descriptors
 *                                         are left alone (default, without PRIMESHIM_DIR)
 *                     observe             they are counted (default with PRIMESHIM_DIR)
 *                     sync                they are bracketed as imports are; see direct.h
 *   PRIMESHIM_DRIVERS NAME,-NAME...       these importers only, without those with a minus;
 *                                         default: all importers
 *   PRIMESHIM_LOG     1                   a line per import, map and fallback on stderr
 *                     /PATH               the same in that file, terminal or read FIFO; see log.h
 *                     0 (default)         wrong settings alone
 *                     quiet               not a line, not even of errors
 *   PRIMESHIM_DIR     /PATH               a status file in that directory, which the shim makes
 *                                         where it is missing
 *   PRIMESHIM_KEEP    BYTES|off           so much stays mapped for the next map at most; see
 *                                         policy/warm.h. 128M where a pointer has 64 bits, 16M
 *                                         where it has 32
 *   PRIMESHIM_ONLY    NAME,NAME...        other programs are left alone, as with mode off
 *   PRIMESHIM_EXCEPT  NAME,NAME...        these programs are left alone
 *
 * primeshim.conf may set what the environment leaves unset, but not the last two. An unknown value
 * or name costs one line on stderr, and the default is kept.
 */
#ifndef PRIMESHIM_SETTINGS_H
#define PRIMESHIM_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernel/status_file.h"

struct settings {
	bool active;	/* the constructor has run, and the mode is not off or may become another */
	bool keep;	/* PRIMESHIM_EXPORT=keep: exports stay as they are, in every mode */
	enum direct direct;	/* DIRECT_OFF where no hook acts */
	size_t warm;	/* PRIMESHIM_KEEP: bytes that may stay mapped after their unmap */
	bool log;
	const char *dir;	/* the directory of the status file; NULL: there is none */
	atomic_uint policy;	/* STATUS_POLICY(); relaxed: each call uses what it finds */
};

extern struct settings settings;

void settings_init(void);

/*
 * May the policy become @policy? The constructor sets the trap up before the program has threads,
 * so the trap can be neither begun nor left later.
 */
bool settings_may_be(unsigned int policy);

const char *mode_text(unsigned int policy);
const char *sync_text(unsigned int policy);

static inline unsigned int policy_now(void)
{
	return atomic_load_explicit(&settings.policy, memory_order_relaxed);
}

static inline enum mode mode_now(void)
{
	return STATUS_MODE(policy_now());
}

static inline enum sync_policy sync_now(void)
{
	return STATUS_SYNC(policy_now());
}

/* Do brackets follow the program's calls to the driver? So with driver and trap. */
static inline bool sync_turns(void)
{
	return sync_now() == SYNC_DRIVER || sync_now() == SYNC_TRAP;
}

/* Does the shim map imports that the driver refuses? So in redirect and rescue. */
static inline bool mode_rescues(void)
{
	return mode_now() == MODE_REDIRECT || mode_now() == MODE_RESCUE;
}

/* Does the shim add DRM_RDWR to exports? */
static inline bool exports_writable(void)
{
	return mode_rescues() && !settings.keep;
}

#endif
