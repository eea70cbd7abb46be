// SPDX-License-Identifier: MIT
/* primeshim set: changes the mode or sync of a running process. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cli.h"
#include "lib/commands.h"
#include "status/status.h"
#include "wish.h"

static const char usage[] =
	"Usage: primeshim set PID [mode=MODE] [sync=SYNC]\n"
	"Changes what the shim does in a running process. The change takes effect at the\n"
	"process's next hooked call, or once it has imported a dma-buf, if it has not yet;\n"
	"mappings that exist stay as they are.\n"
	"\n"
	"  mode  redirect, rescue, observe, deny, off: as PRIMESHIM_MODE\n"
	"  sync  driver, map, off: as PRIMESHIM_SYNC. A running process cannot change to trap,\n"
	"        nor away from it\n"
	"\n"
	"Without a setting it prints both. The process has to be yours, unless you are root.\n"
	"Exit status: 0, or 2 for bad use or a process that cannot be changed.\n";

static const char *const modes[] = STATUS_MODES, *const syncs[] = STATUS_SYNCS;

/* The place in @values of the VALUE in "KEY=VALUE"; -1: not in @values; -2: it is another key. */
static int value_of(const char *text, const char *key, const char *const *values, int n)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len) || text[len] != '=')
		return -2;
	for (int i = 0; i < n; i++)
		if (!strcmp(text + len + 1, values[i]))
			return i;
	return -1;
}

/* The policy @is, changed by the words of the command line; or -1, after a line on stderr. */
static long wanted(char **words, uint32_t is)
{
	unsigned int mode = STATUS_MODE(is), sync = STATUS_SYNC(is);

	for (; *words; words++) {
		int m = value_of(*words, "mode", modes, MODE_COUNT);
		int s = value_of(*words, "sync", syncs, SYNC_COUNT);

		if (m == -2 && s == -2)
			warnx("set: %s is neither mode=MODE nor sync=SYNC; see primeshim set "
			      "--help", *words);
		else if (m == -1)
			warnx("set: %s: give one of redirect, rescue, observe, deny, off", *words);
		else if (s == -1)
			warnx("set: %s: give one of driver, map, off", *words);
		else if (m >= 0)
			mode = m;
		else
			sync = s;
		if (m < 0 && s < 0)
			return -1;
	}
	if ((sync == SYNC_TRAP) != (STATUS_SYNC(is) == SYNC_TRAP)) {
		warnx("set: a running process cannot change to or from sync=trap: run the program "
		      "anew with --sync %s",
		      syncs[sync]);
		return -1;
	}
	return STATUS_POLICY(mode, sync);
}

/*
 * A status file has mode 0400, so that nobody cuts it short by mistake. Its owner makes the file
 * writable for as long as it takes to open it. Returns -1 and errno on failure.
 */
static int open_to_write(const char *path)
{
	int flags = O_CLOEXEC | O_NOFOLLOW, reading, err, fd = open(path, O_RDWR | flags);
	struct stat st;
	char again[32];

	if (fd >= 0 || errno != EACCES)
		return fd;
	reading = open(path, O_RDONLY | flags);
	if (reading < 0)
		return -1;
	/* By the descriptor: another file may have the name by now. */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", reading);
	if (!fstat(reading, &st) && !fchmod(reading, (st.st_mode & 07777) | S_IWUSR)) {
		fd = open(again, O_RDWR | O_CLOEXEC);
		err = errno;
		fchmod(reading, st.st_mode & 07777);
		errno = err;
	}
	err = errno;
	close(reading);
	errno = err;
	return fd;
}

/* Opens the status file of @pid to write it, if it is that process's own; or -1, after a line. */
static int open_status(pid_t pid, const char *path)
{
	struct stat st, proc;
	char dir[32];
	int fd;

	snprintf(dir, sizeof(dir), "/proc/%d", (int)pid);
	fd = open_to_write(path);
	if (fd < 0) {
		warn("set: %s", path);
		return -1;
	}
	if (fstat(fd, &st) < 0 || stat(dir, &proc) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != proc.st_uid || st.st_mode & (S_IWGRP | S_IWOTH)) {
		warnx("set: %s is not that process's own file: nothing was changed", path);
		close(fd);
		return -1;
	}
	return fd;
}

static int change(pid_t pid, const struct status *p, char **words)
{
	uint32_t is = p->head.policy, now;
	long policy = wanted(words, is);
	int fd;

	if (policy < 0)
		return 2;
	now = policy;
	fd = open_status(pid, p->path);
	if (fd < 0)
		return 2;
	/* Four bytes at once: the process reads the old word or the new word. */
	if (pwrite(fd, &now, sizeof(now), offsetof(struct status_file, policy)) != sizeof(now)) {
		warn("set: %s", p->path);
		close(fd);
		return 2;
	}
	close(fd);
	printf("%s[%d]: mode %s -> %s, sync %s -> %s\n", p->head.program, (int)pid, mode_name(is),
	       mode_name(now), sync_name(is), sync_name(now));
	return finish_output();
}

static const char *asked(const char *name, unsigned int value)
{
	return value == STATUS_AS_IS ? "as it is" : name;
}

/*
 * Asks a process without a status file, to make it so from its first import on. Returns the exit
 * status, or -1: it has a status file now.
 */
static int change_later(pid_t pid, const char *dir, char **words)
{
	char why[256], *path, *sync = status_setting_of(pid, "PRIMESHIM_SYNC");
	bool traps = sync && !strcmp(sync, syncs[SYNC_TRAP]);
	long policy = wanted(words, STATUS_POLICY(STATUS_AS_IS, traps ? SYNC_TRAP : STATUS_AS_IS));

	free(sync);
	if (policy < 0 || !wish_write(pid, dir, policy))
		return 2;
	path = status_path_of(pid, why, sizeof(why));
	if (path) {
		wish_remove(pid, dir);
		free(path);
		return -1;
	}
	printf("%d: once it has imported a dma-buf: mode %s, sync %s\n", (int)pid,
	       asked(mode_name(policy), STATUS_MODE(policy)),
	       asked(sync_name(policy), STATUS_SYNC(policy)));
	return finish_output();
}

int cmd_set(int argc, char **argv)
{
	const struct cli_option options[] = { { 0 } };
	int ret = cli_options(argc, argv, usage, options, true);
	char why[256], *path, *dir;
	struct status *p;
	size_t n;
	pid_t pid;

	if (ret >= 0)
		return ret;
	if (optind == argc)
		return bad_use(argv[0], "no process given");
	pid = pid_of(argv[optind]);
	if (!pid)
		return bad_use(argv[0], "give the number of a process first");
	path = status_path_of(pid, why, sizeof(why));
	dir = path || optind + 1 == argc ? NULL : status_directory_of(pid);
	ret = dir ? change_later(pid, dir, argv + optind + 1) : -1;
	free(path);
	free(dir);
	if (ret >= 0)
		return ret;
	p = status_load(argv[optind], &n);
	if (p->life != LIFE_RUNNING) {
		warnx("set: process %s has ended", argv[optind]);
		ret = 2;
	} else if (optind + 1 == argc) {
		printf("%s[%s]: mode %s, sync %s\n", p->head.program, argv[optind],
		       mode_name(p->head.policy), sync_name(p->head.policy));
		ret = finish_output();
	} else {
		ret = change(pid, p, argv + optind + 1);
	}
	status_free_all(p, n);
	return ret;
}
