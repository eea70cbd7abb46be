/* SPDX-License-Identifier: MIT */
/*
 * USDT probes of the provider primeshim, for bpftrace, perf and gdb. A probe costs one nop where no
 * tool is attached. The arguments, in order (bpftrace can print six):
 *
 *   import    importer, exporter (char *), handle, inode, bytes
 *   map       importer, exporter (char *), inode, address, bytes, enum status_outcome
 *   fallback  importer, exporter (char *), handle, inode, errno
 *   begin     inode, DMA_BUF_SYNC_* direction, nanoseconds in START
 *   end       inode, direction
 *   close     handle, inode: the import is gone
 *
 * Names cost locks, so the shim looks them up only where a tool is attached: a tool that attaches
 * to a probe raises the probe's semaphore.
 */
#ifndef PRIMESHIM_PROBES_H
#define PRIMESHIM_PROBES_H

#ifdef HAVE_SYS_SDT_H
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>
#define PROBE(n, name, ...)	DTRACE_PROBE##n(primeshim, name, __VA_ARGS__)
#define PROBE_WANTED(name)	primeshim_##name##_semaphore
#define PROBE_SEMAPHORE(name)								\
	unsigned short primeshim_##name##_semaphore __attribute__((section(".probes"),	\
								  visibility("hidden")))
extern PROBE_SEMAPHORE(import);
extern PROBE_SEMAPHORE(map);
extern PROBE_SEMAPHORE(fallback);
extern PROBE_SEMAPHORE(begin);
extern PROBE_SEMAPHORE(end);
extern PROBE_SEMAPHORE(close);
#else
#define PROBE(n, name, ...)	do { } while (0)
#define PROBE_WANTED(name)	0
#endif

#endif
