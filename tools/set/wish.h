/* SPDX-License-Identifier: MIT */
/* What primeshim set asks of a process that has no status file yet (struct status_wish). */
#ifndef PRIMESHIM_TOOLS_WISH_H
#define PRIMESHIM_TOOLS_WISH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * @dir: the directory of the process @pid's status file. False, after a line on stderr: the file
 * could not be written.
 */
bool wish_write(pid_t pid, const char *dir, uint32_t policy);
void wish_remove(pid_t pid, const char *dir);

#endif
