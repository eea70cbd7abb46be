/* SPDX-License-Identifier: MIT */
/*
 * primeshim.conf, the settings for programs that are started without a launcher:
 *
 *   # a comment; what is before any section, or in [*], is for all programs
 *   sync = map
 *   [weston]
 *   mode = rescue
 *
 * Two files are read, and what the second says goes before what the first does:
 * /etc/primeshim.conf, then $XDG_CONFIG_HOME/primeshim.conf (else ~/.config/primeshim.conf). In
 * each a section of the program's goes before [*]. In a process of raised privileges the second is
 * not read: the environment that names it is somebody else's.
 *
 * A wrong line costs one line on stderr, with its number, and counts for nothing. What is in the
 * section of another program is not looked at.
 */
#ifndef PRIMESHIM_CONFIG_FILE_H
#define PRIMESHIM_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CONFIG_FILE_LEN = 16384,	/* bytes of a file that are read */
	CONFIG_WHY_LEN = 128,
};

/*
 * Takes note of a key = value, unless there is one of a higher @rank already. False, with what is
 * wrong in @why, where there is no such key or value. Both are free of control characters
 * but for tabs.
 */
typedef bool config_set(int rank, const char *key, const char *value, char *why);

/* For the constructor: no malloc. @program: the name of the section that counts. */
void config_files_read(const char *program, config_set *set);

/* One file's text; @rank for what is said for all, @rank + 1 in the program's section. */
void config_text_read(const char *path, char *text, size_t len, const char *program, int rank,
		      config_set *set);

#endif
