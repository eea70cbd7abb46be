// SPDX-License-Identifier: MIT
/*
 * What the runs of primeshim ab write: their stdout, and the files that --output names. ab keeps
 * the first output of each side until the end, compares the others with it, and removes them,
 * unless the user wants to keep them. If the user has a file by the name of an output, ab renames
 * that file until the end.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ab.h"
#include "lib/memory.h"

static const char side_names[NSIDES] = { 'a', 'b' };

/* Do both files have the same contents? -1 after a line on stderr. */
static int same(const char *a, const char *b)
{
	const char *const names[] = { a, b };
	char text[2][65536];
	size_t n[2] = { 0 };
	FILE *f[2] = { NULL };
	int ret = 1;

	do {
		for (int i = 0; ret >= 0 && i < 2; i++) {
			f[i] = f[i] ? f[i] : fopen(names[i], "re");
			n[i] = f[i] ? fread(text[i], 1, sizeof(text[i]), f[i]) : 0;
			if (f[i] && !ferror(f[i]))
				continue;
			warn("ab: %s", names[i]);
			ret = -1;
		}
		if (ret > 0)
			ret = n[0] == n[1] && !memcmp(text[0], text[1], n[0]);
	} while (ret > 0 && n[0]);
	for (int i = 0; i < 2; i++)
		if (f[i])
			fclose(f[i]);
	return ret;
}

static int copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = -1;

	while (out >= 0 && (n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	if (n < 0)
		warn("ab: %s cannot be moved to %s", from, to);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return n < 0 ? -1 : 0;
}

static int drop_file(const char *path)
{
	if (!unlink(path))
		return 0;
	warn("ab: %s cannot be removed", path);
	return -1;
}

/* Renames a file, or copies it to another file system. */
static int move(const char *from, const char *to)
{
	if (!rename(from, to))
		return 0;
	if (errno != EXDEV) {
		warn("ab: %s cannot be moved to %s", from, to);
		return -1;
	}
	return copy(from, to) < 0 ? -1 : drop_file(from);
}

/* Writes to @path where the output @o of run @n goes in the directory @dir. */
static void place(const struct ab *ab, const struct ab_output *o, enum side side, unsigned int n,
		  const char *dir, char *path, size_t len)
{
	const char *name = o->path ? strrchr(o->path, '/') : NULL;

	name = name ? name + 1 : o->path ? o->path : "stdout";
	/* Two outputs may have the same name in different directories. */
	snprintf(path, len, "%s/%c%u.%zu.%.200s", dir, side_names[side], n + 1,
		 (size_t)(o - ab->outputs), name);
}

static int set_aside(struct ab_output *o)
{
	struct stat st;

	if (lstat(o->path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		warn("ab: --output %s", o->path);
		return -1;
	}
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		warnx("ab: --output %s is not a file: give a file that the command writes",
		      o->path);
		return -1;
	}
	o->aside = memory_text("%s.before-ab-%d", o->path, (int)getpid());
	if (!access(o->aside, F_OK))
		errno = EEXIST;
	else if (!rename(o->path, o->aside))
		return 0;
	warn("ab: --output %s cannot be set aside as %s", o->path, o->aside);
	free(o->aside);
	o->aside = NULL;
	return -1;
}

/* The directory of the output has to exist. */
static int check_directory(const struct ab_output *o)
{
	const char *slash = strrchr(o->path, '/');
	char dir[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - o->path) + 1 : 1,
		 slash ? o->path : ".");
	if (!stat(dir, &st) && S_ISDIR(st.st_mode) && o->path[strlen(o->path) - 1] != '/')
		return 0;
	warnx("ab: --output %s: there is no such directory, or no file's name", o->path);
	return -1;
}

int outputs_prepare(struct ab *ab)
{
	for (size_t i = 1; i < ab->noutputs; i++)
		if (check_directory(&ab->outputs[i]) < 0)
			return -1;
	for (size_t i = 1; i < ab->noutputs; i++)
		if (set_aside(&ab->outputs[i]) < 0)
			return -1;
	return 0;
}

void outputs_restore(struct ab *ab)
{
	for (size_t i = 1; i < ab->noutputs; i++) {
		struct ab_output *o = &ab->outputs[i];

		if (o->aside && rename(o->aside, o->path) < 0)
			warn("ab: %s was set aside and cannot be put back: it is in %s", o->path,
			     o->aside);
		free(o->aside);
		o->aside = NULL;
	}
}

/* Compares @path with the first output of its side, or, if @path is that, of the other side. */
static int compare(struct ab *ab, struct ab_output *o, enum side side, unsigned int n,
		   const char *dir, const char *path)
{
	enum side with = o->first[side] ? side : !side;
	char first[PATH_MAX];
	int ret;

	if (!o->first[side])
		o->first[side] = n + 1;
	if (!o->first[with])
		return 0;
	place(ab, o, with, o->first[with] - 1, dir, first, sizeof(first));
	ret = same(first, path);
	if (ret < 0)
		return -1;
	if (with != side) {
		o->differs = !ret;
		return 0;
	}
	o->varies[side] = o->varies[side] || !ret;
	return ab->keep ? 0 : drop_file(path);
}

static int take(struct ab *ab, struct ab_output *o, enum side side, unsigned int n, const char *out,
		bool drop)
{
	const char *dir = ab->keep ? ab->keep : ab->tmp, *from = o->path ? o->path : out;
	char path[PATH_MAX];
	struct stat st;

	if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (drop)
		return drop_file(from);
	place(ab, o, side, n, dir, path, sizeof(path));
	if (move(from, path) < 0)
		return -1;
	o->found[side]++;
	return compare(ab, o, side, n, dir, path);
}

int outputs_take(struct ab *ab, enum side side, unsigned int n, const char *out, bool drop)
{
	for (size_t i = 0; i < ab->noutputs; i++)
		if (take(ab, &ab->outputs[i], side, n, out, drop) < 0)
			return -1;
	return 0;
}

const char *ab_output_verdict(const struct ab *ab, const struct ab_output *o)
{
	const unsigned int *n = ab->done;

	if (!n[SIDE_A] || !n[SIDE_B])
		return NULL;
	if (o->found[SIDE_A] < n[SIDE_A] || o->found[SIDE_B] < n[SIDE_B])
		return "missing";
	if (o->varies[SIDE_A] || o->varies[SIDE_B])
		return "not deterministic";
	return o->differs ? "differ" : "equal";
}

void ab_output_text(const struct ab *ab, const struct ab_output *o, char *text, size_t len)
{
	const char *verdict = ab_output_verdict(ab, o), *between = "";
	FILE *f = fmemopen(text, len, "w");

	if (!f)
		err(2, "ab: memory");
	if (!verdict || !strcmp(verdict, "equal") || !strcmp(verdict, "differ"))
		fputs(verdict ? verdict : "not compared", f);
	for (int s = 0; verdict && s < NSIDES; s++) {
		if (o->found[s] == ab->done[s])
			continue;
		fprintf(f, "%smissing from %c", between, "AB"[s]);
		if (o->found[s])
			fprintf(f, " (%u of %u runs)", ab->done[s] - o->found[s], ab->done[s]);
		between = "; ";
	}
	if (verdict && (o->varies[SIDE_A] || o->varies[SIDE_B]))
		fprintf(f, "%sdiffer even between runs of %s (not deterministic)", between,
			!o->varies[SIDE_B] ? "A" : o->varies[SIDE_A] ? "A and of B" : "B");
	fclose(f);
}
