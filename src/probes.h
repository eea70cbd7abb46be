/* SPDX-License-Identifier: MIT */
/*
 * USDT probes of the provider primeshim, for bpftrace, perf and gdb; each is one nop where nobody
 * looks. Their arguments, in order:
 *
 *   import    importer, exporter (char *), handle, inode, bytes
 *   map       importer, exporter (char *), handle, inode, address, bytes, enum shared_outcome
 *   fallback  importer, exporter (char *), handle, inode, errno
 *   begin     inode, DMA_BUF_SYNC_* direction, nanoseconds in START
 *   end       inode, direction
 *   close     handle, inode: the import is gone
 */
#ifndef PRIMESHIM_PROBES_H
#define PRIMESHIM_PROBES_H

#ifdef HAVE_SYS_SDT_H
#include <sys/sdt.h>
#define PROBE(n, name, ...)	DTRACE_PROBE##n(primeshim, name, __VA_ARGS__)
#else
#define PROBE(n, name, ...)	do { } while (0)
#endif

#endif
