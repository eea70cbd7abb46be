// SPDX-License-Identifier: MIT
/* The results of primeshim ab as words and as sorted numbers, for all ways of printing them. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "ab.h"
#include "lib/memory.h"
#include "lib/text.h"

/* A line of stderr is cut after so many bytes. */
#define LONGEST	200

void end_name(struct end end, char *text, size_t len)
{
	const char *name = end.kind == END_SIGNAL ? sigabbrev_np(end.n) : NULL;

	if (end.kind == END_TIMEOUT)
		snprintf(text, len, "timeout");
	else if (end.kind == END_EXIT)
		snprintf(text, len, "exit %d", end.n);
	else if (name)
		snprintf(text, len, "SIG%s", name);
	else
		snprintf(text, len, "signal %d", end.n);
}

static bool same_end(struct end a, struct end b)
{
	return a.kind == b.kind && a.n == b.n;
}

/* The first run from @i on that ended in another way than all runs before it. */
static unsigned int new_end(const struct run *runs, unsigned int n, unsigned int i)
{
	for (; i < n; i++) {
		unsigned int j = 0;

		while (j < i && !same_end(runs[j].end, runs[i].end))
			j++;
		if (j == i)
			break;
	}
	return i;
}

static unsigned int count_ends(const struct run *runs, unsigned int n, struct end end)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < n; i++)
		count += same_end(runs[i].end, end);
	return count;
}

void ends_tell(const struct run *runs, unsigned int n, char *text, size_t len)
{
	char name[32];
	size_t at = 0;

	snprintf(text, len, "%s", n ? "" : "no run");
	for (unsigned int i = 0; (i = new_end(runs, n, i)) < n && at < len; i++) {
		unsigned int count = count_ends(runs, n, runs[i].end);

		end_name(runs[i].end, name, sizeof(name));
		if (count == n)
			at += snprintf(text, len, "%s", name);
		else
			at += snprintf(text + at, len - at, "%s%ux %s", at ? ", " : "", count,
				       name);
	}
}

bool ends_alike(const struct ab *ab)
{
	for (int s = 0; s < NSIDES; s++)
		for (unsigned int i = 0; (i = new_end(ab->runs[s], ab->done[s], i)) < ab->done[s];
		     i++)
			if (!count_ends(ab->runs[!s], ab->done[!s], ab->runs[s][i].end))
				return false;
	return true;
}

/* The last line in @text that is one of the shim's (@ours), or that is not. */
static char *find_line(char *text, bool ours)
{
	char *found = NULL, *save;

	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		if (line[strspn(line, " \t")] && ours == !strncmp(line, "primeshim: ", 11))
			found = line;
	return found;
}

char *last_line(const char *file)
{
	char text[16384], again[sizeof(text)], *line;
	FILE *f = fopen(file, "re");
	size_t n;

	if (!f)
		return NULL;
	if (fseek(f, -(long)sizeof(text) + 1, SEEK_END) < 0)
		rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		if (!text[i])
			text[i] = '?';
	text[n] = '\0';
	strcpy(again, text);
	line = find_line(text, false);
	if (!line)
		line = find_line(again, true);
	if (!line)
		return NULL;
	line = strndup(line, LONGEST);
	if (line)
		text_tame(line, true);
	return line;
}

double *numbers_sorted(const struct ab *ab, enum side side, enum number k, unsigned int *n)
{
	double *v = memory_new(ab->done[side], sizeof(*v));

	*n = 0;
	for (unsigned int i = 0; i < ab->done[side]; i++)
		if (k < NMEASURES || ab->runs[side][i].counted)
			v[(*n)++] = ab->runs[side][i].numbers[k];
	stats_sort(v, *n);
	return v;
}

struct ratio numbers_ratio(const struct ab *ab, enum number k)
{
	unsigned int na, nb;
	double *a = numbers_sorted(ab, SIDE_A, k, &na), *b = numbers_sorted(ab, SIDE_B, k, &nb);
	struct ratio r = { .known = false };

	if (k < NMEASURES && ends_alike(ab))
		r = stats_ratio(a, na, b, nb);
	free(a);
	free(b);
	return r;
}
