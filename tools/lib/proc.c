// SPDX-License-Identifier: MIT
/* What /proc says of a process; see proc.h. */
#include "config.h"

#include <string.h>

#include "proc.h"

FILE *proc_open(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "re");
}

bool proc_stat(pid_t pid, struct proc_stat *to)
{
	FILE *f = proc_open(pid, "stat");
	unsigned long long user, system;
	char text[1024], *end;
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	to->pid = pid;
	text[n] = '\0';
	/* The name before the last ) may contain any character. */
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d "
			   "%*d %*d %*d %*d %llu %*u %*d %*u %llu %*u %llu", &to->state,
			   &to->parent, &user, &system, &to->start, &to->code, &to->stack) != 7)
		return false;
	to->cpu = user + system;
	return true;
}

bool proc_is_libc(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2", 6) ||
	       !strncmp(name, "libc.musl", 9);
}
