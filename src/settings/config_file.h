/* SPDX-License-Identifier: MIT */
/*
 * primeshim.conf: the settings of programs that are started without a launcher.
 *
 *   # a comment; lines before any section, or in [*], are for all programs
 *   sync = map
 *   [weston]
 *   mode = rescue
 *
 * The shim reads two files: /etc/primeshim.conf, then $XDG_CONFIG_HOME/primeshim.conf (else
 * ~/.config/primeshim.conf). The second file takes precedence over the first, and in each file the
 * program's section takes precedence over [*]. A process of raised privileges does not read the
 * second file: the environment that names it is somebody else's.
 *
 * The shim ignores a wrong line and reports it, with its number, in one line on stderr. The shim
 * does not check the lines in another program's section.
 */
#ifndef PRIMESHIM_CONFIG_FILE_H
#define PRIMESHIM_CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CONFIG_FILE_LEN = 16384,	/* bytes of a file that the shim reads */
	CONFIG_WHY_LEN = 128,
};

/*
 * Stores @value for @key, unless a value of higher @rank is stored already. False where no such key
 * or value exists: @why then has a text that says what is wrong. Key and value have no control
 * characters but tabs.
 */
typedef bool config_set(int rank, const char *key, const char *value, char *why);

/*
 * Reads both files. For the constructor: no malloc. @program: the name of the section that counts.
 */
void config_files_read(const char *program, config_set *set);

/*
 * Reads the text of one file. @rank is the rank of settings for all programs; settings in the
 * program's section get @rank + 1.
 */
void config_text_read(const char *path, char *text, size_t len, const char *program, int rank,
		      config_set *set);

#endif
