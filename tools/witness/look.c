// SPDX-License-Identifier: MIT
/* Is the shim in a process, and if not, why? See witness.h. */
#include "config.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/elf-file.h"
#include "lib/proc.h"
#include "lib/text.h"
#include "witness.h"

/* What ld.so needs at most, until it has mapped a library. */
#define SETTLES	(100 * MS)

/* What a process has mapped. */
struct maps {
	bool shim, status, dmabuf;
	bool libraries;		/* besides ld.so, which loads preloaded objects first of all */
	unsigned int libcs;
};

static bool starts(const char *s, const char *start)
{
	return !strncmp(s, start, strlen(start));
}

static bool is_drm(const char *path)
{
	return starts(path, "/dev/dri/") || starts(path, "/dev/accel/");
}

static void add_map(struct maps *m, const char *path, bool code)
{
	const char *name = strrchr(path, '/') + 1;

	m->shim = m->shim || starts(name, LIBRARY);
	m->status = m->status || strstr(name, ".primeshim");
	m->dmabuf = m->dmabuf || starts(path, "/dmabuf");
	m->libraries = m->libraries || (strstr(name, ".so") && !starts(name, "ld-") &&
					!starts(name, "ld."));
	/* A program may also read libc's file by a map of it. */
	m->libcs += code && proc_is_libc(path);
}

/* 0, or the errno: the process is gone, or may not be looked at. */
static int read_maps(pid_t pid, struct maps *m)
{
	FILE *f = proc_open(pid, "maps");
	char *line = NULL, *path;
	size_t room = 0;
	char code;
	int ret = 0;

	*m = (struct maps){ .libcs = 0 };
	if (!f)
		return errno;
	errno = 0;
	while (getline(&line, &room, f) > 0) {
		path = strchr(line, '/');
		if (!path || sscanf(line, "%*s %*2c%c", &code) != 1)
			continue;
		path[strcspn(path, "\n")] = '\0';
		add_map(m, path, code == 'x');
	}
	/* For another user's process open() may work, and read() fails. */
	if (ferror(f))
		ret = errno;
	free(line);
	fclose(f);
	return ret;
}

/* Does a descriptor lead to a DRM device? Reads links, and opens nothing. */
static void read_descriptors(pid_t pid, bool *drm)
{
	char path[64], to[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, to, sizeof(to) - 1);

		to[n < 0 ? 0 : n] = '\0';
		*drm = *drm || is_drm(to);
	}
	if (d)
		closedir(d);
}

/*
 * The value of AT_SECURE, for which ld.so ignores LD_PRELOAD; false where it cannot be read. The
 * pairs of type and value have 32 bits or 64, by the program's class.
 */
static bool is_secure(pid_t pid, int class)
{
	FILE *f = proc_open(pid, "auxv");
	/* Room for the last pair to be copied as one of 64 bits. */
	unsigned char text[2048 + 8] = { 0 };
	size_t n = f ? fread(text, 1, 2048, f) : 0;
	size_t word = class == ELFCLASS32 ? 4 : 8;
	bool secure = false;

	for (size_t at = 0; at + 2 * word <= n; at += 2 * word) {
		uint64_t pair[2];
		uint32_t half[2];

		memcpy(pair, text + at, sizeof(pair));
		memcpy(half, text + at, sizeof(half));
		secure = secure || (word == 8 ? pair[0] == AT_SECURE && pair[1] :
						half[0] == AT_SECURE && half[1]);
	}
	if (f)
		fclose(f);
	return secure;
}

/* What everybody may read of a process. */
struct ids {
	unsigned int real, effective;
	unsigned long long caps;	/* the permitted ones */
	unsigned int seccomp;		/* 2: filters */
};

static bool read_ids(pid_t pid, struct ids *ids)
{
	FILE *f = proc_open(pid, "status");
	char line[256];
	int found = 0;

	*ids = (struct ids){ 0 };
	while (f && fgets(line, sizeof(line), f))
		found += sscanf(line, "Uid: %u %u", &ids->real, &ids->effective) == 2 ||
			 sscanf(line, "CapPrm: %llx", &ids->caps) == 1 ||
			 sscanf(line, "Seccomp: %u", &ids->seccomp) == 1;
	if (f)
		fclose(f);
	/* A kernel may have no seccomp. */
	return found >= 2;
}

/* Was the program started with the shim in LD_PRELOAD? */
static bool was_asked(pid_t pid)
{
	FILE *f = proc_open(pid, "environ");
	char *word = NULL;
	size_t room = 0;
	bool asked = false;

	while (f && !asked && getdelim(&word, &room, '\0', f) > 0)
		asked = starts(word, "LD_PRELOAD=") && strstr(word, LIBRARY);
	free(word);
	if (f)
		fclose(f);
	return asked;
}

static void explain(struct watched *w, enum why why)
{
	w->found.why = why;
	w->explained = true;
}

/* The process is another user's, or has raised its privileges: what can still be read of it. */
static void look_from_outside(struct watched *w)
{
	struct ids ids;

	if (!read_ids(w->p.pid, &ids))
		return;
	/* A process that only runs as another user may have the shim in it. */
	explain(w, ids.real != ids.effective || (ids.caps && ids.real == geteuid()) ?
		WHY_PRIVILEGED : WHY_CLOSED);
}

/* The witness has the library's architecture: both are of one package. */
static bool is_of_my_machine(const struct elf_file *program)
{
	struct elf_file mine;
	bool same;

	if (elf_file_open("/proc/self/exe", &mine) < 0)
		return true;
	same = elf_same_machine(program, &mine);
	elf_file_close(&mine);
	return same;
}

static bool same_program(const struct program *a, const struct program *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->code == b->code && a->stack == b->stack;
}

/*
 * Has ld.so done its work? It maps libraries, preloaded ones first, and may wait long for its turn
 * to run; but it does not sleep. A program of musl may have no library besides its ld.so.
 */
static bool is_loaded(const struct watched *w, const struct look *l, const struct maps *m)
{
	if (m->libraries)
		return true;
	return l->now - w->since >= SETTLES &&
	       (w->p.state == 'S' || w->p.cpu * 1000 >= SETTLES / MS * sysconf(_SC_CLK_TCK));
}

/* Why is the shim not in it? A child of fork() is the launcher itself until it calls exec(). */
static void look_at_outsider(struct watched *w, const struct look *l, const struct maps *m)
{
	struct elf_file f;
	char path[64];

	if (same_program(&w->program, &l->launcher))
		return;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)w->p.pid);
	if (elf_file_open(path, &f) < 0)
		return;
	read_descriptors(w->p.pid, &w->found.drm);
	w->found.drm = w->found.drm || m->dmabuf;
	if (is_secure(w->p.pid, f.bits))
		explain(w, WHY_PRIVILEGED);
	else if (!*f.loader)
		explain(w, WHY_STATIC);
	else if (is_loaded(w, l, m))
		explain(w, !was_asked(w->p.pid) ? WHY_CLEARED :
			   is_of_my_machine(&f) ? WHY_ABSENT : WHY_ABI);
	elf_file_close(&f);
}

/* May the shim miss calls of a program that it is in? Only what reports nothing is looked at. */
static void look_at_entered(struct watched *w, const struct look *l, const struct maps *m)
{
	bool drm = false, known;
	struct elf_file f;
	struct ids ids;
	char path[64];

	w->entered = true;
	if (m->status) {
		w->found.why = WHY_NONE;
		w->explained = true;
		return;
	}
	known = read_ids(w->p.pid, &ids);
	if (l->owner != (uid_t)-1 && known && ids.effective != l->owner)
		w->found.why = WHY_USER;
	if (m->libcs > 1)
		w->found.why = WHY_COPIES;
	read_descriptors(w->p.pid, &drm);
	w->found.drm = w->found.drm || drm || m->dmabuf;
	if (w->found.why == WHY_NONE && bound_past(w->p.pid))
		explain(w, WHY_DEEPBIND);
	if (w->found.why != WHY_NONE || !(drm || m->dmabuf))
		return;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)w->p.pid);
	if (elf_file_open(path, &f) < 0)
		return;
	if (known && ids.seccomp == 2)
		w->found.why = WHY_SANDBOX;
	else if (f.go || elf_calls_kernel(&f))
		explain(w, WHY_RAW);
	else if (m->dmabuf)
		explain(w, WHY_PAST);
	elf_file_close(&f);
}

/* The program's name, of which the kernel has 15 bytes. */
static void read_name(struct watched *w)
{
	FILE *f = proc_open(w->p.pid, "comm");
	char *name = w->found.program;

	if (f && fgets(name, sizeof(w->found.program), f))
		name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
	text_tame(name, true);
}

struct program program_of(const struct proc_stat *p)
{
	struct program now = { .code = p->code, .stack = p->stack };
	struct stat exe;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)p->pid);
	if (!stat(path, &exe)) {
		now.dev = exe.st_dev;
		now.ino = exe.st_ino;
	}
	return now;
}

/*
 * May the look at @w have found what is not so? After an exec() during it, what was read is of two
 * programs. After an exit, a part of the maps may be missing: then only what was there is true.
 */
static bool is_doubtful(const struct watched *w)
{
	struct proc_stat p;
	struct program now;

	if (!proc_stat(w->p.pid, &p) || p.start != w->p.start || p.state == 'Z')
		return !w->entered;
	now = program_of(&p);
	return !same_program(&now, &w->program);
}

static void look_closely(struct watched *w, const struct look *l)
{
	struct watched before = *w;
	struct maps m;
	int ret = read_maps(w->p.pid, &m);

	if (ret == EACCES || ret == EPERM)
		look_from_outside(w);
	else if (!ret && m.shim)
		look_at_entered(w, l, &m);
	else if (!ret && w->program.ino)
		look_at_outsider(w, l, &m);
	if (is_doubtful(w))
		*w = before;
}

void look_at(struct watched *w, const struct look *l)
{
	struct program now;

	/* In the midst of exec() or exit(). */
	if (!w->p.code)
		return;
	now = program_of(&w->p);
	if (!w->since || !same_program(&now, &w->program)) {
		*w = (struct watched){ .p = w->p, .here = true, .program = now, .since = l->now,
				       .found = { .pid = w->p.pid, .why = WHY_NONE } };
		read_name(w);
	}
	if (l->now < w->next)
		return;
	/* Again when the program is twice as old: what lives long is looked at seldom. */
	if (w->explained || w->entered)
		w->next = l->now + (l->now - w->since) + MS;
	if (!w->explained)
		look_closely(w, l);
	else if (w->found.why != WHY_NONE && !w->found.drm)
		read_descriptors(w->p.pid, &w->found.drm);
}
