/* SPDX-License-Identifier: MIT */
/* Asks the kernel what is mapped at a place, in one system call. */
#ifndef PRIMESHIM_PLACE_H
#define PRIMESHIM_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "dmabuf.h"

enum place { PLACE_OURS, PLACE_OTHERS, PLACE_NOT_NOW, PLACE_UNKNOWN };

/*
 * Is [@start, @end) one mapping of a file of that kind? A raw system call may have mapped something
 * else there. The kernel has a link for each mapping of a file, which the process itself may read
 * (proc_map_files_lookup(), 4.3 to 7.3). *@link: what the link says; 0: that is to be learned.
 * PLACE_UNKNOWN: the kernel cannot be asked. PLACE_NOT_NOW: for want of memory it has not answered.
 */
enum place place_ask(uint64_t start, uint64_t end, uint32_t *link);

/*
 * Does one mapping of the file @id have all of [@start, @end)? Asked of the whole list of mappings:
 * the kernel may have merged a mapping with its neighbour, which place_ask() does not know then.
 */
bool place_shows(uint64_t start, uint64_t end, const struct dmabuf_id *id);

/* The process, or its /proc, has become another. */
void place_forget(void);

#endif
