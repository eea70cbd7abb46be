// SPDX-License-Identifier: MIT
/* Writes a wish; see wish.h. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/proc.h"
#include "status/status.h"
#include "wish.h"

/* The process's number in its own PID namespace: the last of several. */
static int own_number(pid_t pid)
{
	FILE *f = proc_open(pid, "status");
	int number = pid, n, len;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6))
			continue;
		for (const char *at = line + 6; sscanf(at, "%d%n", &n, &len) == 1; at += len)
			number = n;
		break;
	}
	if (f)
		fclose(f);
	return number;
}

static void name_wish(pid_t pid, char *name, size_t len)
{
	snprintf(name, len, "%d" STATUS_WISH, own_number(pid));
}

/*
 * Opens the directory if it is the process's user's and nobody else may write there, as the shim
 * does. A directory of this user's is made if it is missing.
 */
static int open_directory(pid_t pid, const char *dir)
{
	struct stat st, proc;
	char of[32];
	int fd;

	snprintf(of, sizeof(of), "/proc/%d", (int)pid);
	if (stat(of, &proc) < 0)
		return -1;
	if (proc.st_uid == geteuid())
		mkdir(dir, 0700);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && st.st_uid == proc.st_uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

static bool write_in(int dir, const char *name, const struct status_wish *w)
{
	char new[48];
	bool written;
	int fd, err;

	snprintf(new, sizeof(new), "%s.new", name);
	unlinkat(dir, new, 0);
	fd = openat(dir, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	/* Root's file is for the process's user to read, whatever root's umask. */
	written = !fchmod(fd, 0644) && write(fd, w, sizeof(*w)) == sizeof(*w);
	written = !close(fd) && written && !renameat(dir, new, dir, name);
	if (!written) {
		err = errno;
		unlinkat(dir, new, 0);
		errno = err;
	}
	return written;
}

bool wish_write(pid_t pid, const char *dir, uint32_t policy)
{
	int fd = open_directory(pid, dir);
	struct proc_stat p;
	char name[32];
	bool written;

	name_wish(pid, name, sizeof(name));
	written = fd >= 0 && proc_stat(pid, &p) &&
		  write_in(fd, name, &(struct status_wish){ STATUS_ORDER, policy, p.start });
	if (!written)
		warn("set: %s/%s", dir, name);
	if (fd >= 0)
		close(fd);
	return written;
}

void wish_remove(pid_t pid, const char *dir)
{
	int fd = open_directory(pid, dir);
	char name[32];

	name_wish(pid, name, sizeof(name));
	if (fd < 0)
		return;
	unlinkat(fd, name, 0);
	close(fd);
}
