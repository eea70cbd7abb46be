/* SPDX-License-Identifier: MIT */
/* A directory of status files. */
#ifndef PRIMESHIM_TOOLS_DIRECTORY_H
#define PRIMESHIM_TOOLS_DIRECTORY_H

/* Why the shim makes no status file in @dir (publish_file.c), or NULL: nothing is known of that. */
const char *directory_refused(const char *dir);

#endif
