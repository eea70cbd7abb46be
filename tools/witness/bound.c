// SPDX-License-Identifier: MIT
/*
 * Do calls of a process's libraries go past the shim that is in it? A library that was loaded with
 * RTLD_DEEPBIND has libc's functions where others have the shim's. The kernel lets the witness read
 * the memory of a process that the witness could trace; of another process the witness knows
 * nothing.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/elf-file.h"
#include "lib/memory.h"
#include "lib/proc.h"
#include "witness.h"

/* A mapping of a file. */
struct piece {
	uint64_t start, end, offset;
	char *path;
};

struct pieces {
	struct piece *list;
	size_t n;
};

static struct pieces read_pieces(pid_t pid)
{
	struct pieces all = { .n = 0 };
	unsigned long long start, end, offset;
	FILE *f = proc_open(pid, "maps");
	char *line = NULL, *name;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		name = strchr(line, '/');
		if (!name || sscanf(line, "%llx-%llx %*s %llx", &start, &end, &offset) != 3)
			continue;
		name[strcspn(name, "\n")] = '\0';
		all.list = memory_more(all.list, all.n + 1, sizeof(*all.list));
		all.list[all.n++] = (struct piece){ start, end, offset, memory_text("%s", name) };
	}
	free(line);
	if (f)
		fclose(f);
	return all;
}

static bool is_named(const char *path, const char *start)
{
	return !strncmp(strrchr(path, '/') + 1, start, strlen(start));
}

/* A library, and whether a slot of it was found that leads to libc. */
struct library {
	int memory;		/* /proc/PID/mem */
	const struct pieces *all;
	uint64_t base;
	int bits;
	bool past;
};

static void check_slot(const char *name, uint64_t at, void *arg)
{
	struct library *l = arg;
	bool half = l->bits == ELFCLASS32;
	uint32_t value32 = 0;
	uint64_t value = 0;

	if (l->past || (strcmp(name, "ioctl") && strcmp(name, "mmap") && strcmp(name, "mmap64")))
		return;
	if (half && pread(l->memory, &value32, 4, l->base + at) == 4)
		value = value32;
	else if (half || pread(l->memory, &value, 8, l->base + at) != 8)
		return;
	for (size_t i = 0; i < l->all->n; i++) {
		const struct piece *p = &l->all->list[i];

		l->past = l->past || (value >= p->start && value < p->end && proc_is_libc(p->path));
	}
}

/* libdrm, and what is linked with it: other libraries import nothing. */
static void is_drm(const char *name, void *arg)
{
	*(bool *)arg |= !strncmp(name, "libdrm", 6);
}

static bool library_past(pid_t pid, int memory, const struct pieces *all, const struct piece *p)
{
	struct library l = { .memory = memory, .all = all, .base = p->start };
	bool drm = is_named(p->path, "libdrm");
	char path[PATH_MAX + 32];
	struct elf_file f;

	/* Also in a container. */
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, p->path);

	if (p->offset || !strstr(p->path, ".so") || proc_is_libc(p->path) ||
	    is_named(p->path, LIBRARY) || is_named(p->path, "ld-") ||
	    elf_file_open(path, &f) < 0)
		return false;
	elf_needed(&f, is_drm, &drm);
	l.bits = f.bits;
	if (drm)
		elf_slots(&f, check_slot, &l);
	elf_file_close(&f);
	return l.past;
}

bool bound_past(pid_t pid)
{
	struct pieces all;
	bool past = false;
	char path[64];
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return false;
	all = read_pieces(pid);
	for (size_t i = 0; i < all.n && !past; i++)
		past = library_past(pid, memory, &all, &all.list[i]);
	close(memory);
	for (size_t i = 0; i < all.n; i++)
		free(all.list[i].path);
	free(all.list);
	return past;
}
