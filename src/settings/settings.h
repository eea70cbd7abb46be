/* SPDX-License-Identifier: MIT */
/*
 * What PRIMESHIM_* in the environment asks for. Written once, by the constructor, before the
 * program has a second thread; immutable afterwards, so it needs no lock. But for the policy, mode
 * and sync, which primeshim(1) can change where there is a shared page.
 *
 *   PRIMESHIM_MODE    redirect (default)  imports are mapped through their dma-buf
 *                     rescue              only where the driver's own mapping does not work
 *                     observe             the native way; what redirect would do is logged
 *                     deny                mmap of an import says EINVAL
 *                     off                 every hook forwards
 *   PRIMESHIM_SYNC    driver (default)    brackets around the accesses that the program makes known
 * to the driver; see sync.h map                 START at map, END at the last unmap off no brackets
 *                     trap                as driver, and a touch while it is not the CPU's turn is
 *                                         caught; see trap.h
 *   PRIMESHIM_EXPORT  write (default)     redirect and rescue add DRM_RDWR to the program's exports
 *                     keep                they are made as the program says
 *   PRIMESHIM_DRIVERS NAME,-NAME...       only these importers, but not those; default: all
 *   PRIMESHIM_LOG     1                   a line per import, map and fallback on stderr
 *                     /PATH               the same in that file, terminal or read FIFO; see log.h
 *                     0 (default)
 *                     quiet               not a line, not even of what is wrong
 *   PRIMESHIM_DIR     /PATH               a shared page in that directory, which is made if it is
 * missing PRIMESHIM_ONLY    NAME,NAME...        programs but these are left alone, as with mode off
 *   PRIMESHIM_EXCEPT  NAME,NAME...        these are
 *
 * What the environment leaves unset primeshim.conf may say, but for the last two; see
 * config_file.h. A value or a name that is not known costs one line on stderr; the default is kept.
 */
#ifndef PRIMESHIM_SETTINGS_H
#define PRIMESHIM_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "kernel/status_file.h"


struct settings {
	bool active;	/* the constructor has run, and the mode is not off or may become another */
	bool keep;	/* exports are left as they are, in every mode */
	bool log;
	const char *dir;	/* where the shared page goes; NULL: there is none */
	atomic_uint policy;	/* STATUS_POLICY(); relaxed: each call goes by what it finds */
};

extern struct settings settings;

void settings_init(void);

/* May the policy become that? The trap is set up before the program has threads, or not at all. */
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

/* Brackets follow the driver's calls: driver and trap. */
static inline bool sync_turns(void)
{
	return sync_now() == SYNC_DRIVER || sync_now() == SYNC_TRAP;
}

/* What is refused natively is mapped: redirect and rescue. */
static inline bool mode_rescues(void)
{
	return mode_now() == MODE_REDIRECT || mode_now() == MODE_RESCUE;
}

/* Exports get DRM_RDWR. */
static inline bool exports_writable(void)
{
	return mode_rescues() && !settings.keep;
}

#endif
