// SPDX-License-Identifier: MIT
/*
 * Makes a status file (src/kernel/status_file.h) as a test asks for it, right or wrong, and prints
 * what a status file holds. Has none of the reader's code. For tests of what reads status files.
 *
 *   status-make FILE <SCRIPT	writes a file; a line of SCRIPT is a word with KEY=VALUE behind it:
 *	room events=16 imports=4	how many entries the tables have; before all others
 *	head program=x pid=7 ended=99	fields of struct status_file
 *	name text=vgem			another name; "" and "?" are there, so the first is 2
 *	counter n=0 value=7
 *	pair, buffer, import, mapping, event KEY=VALUE...	another entry. live and seq, an
 *					event's number, are set as they should be, and may be given
 *	VALUE is a number, or text up to the next blank, in which \xNN is a byte.
 *	file size=99			cuts the file to so many bytes at the end
 *   status-make --dump FILE	prints its counters and what is live, "NAME VALUE" a line
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/status_file.h"

struct field {
	const char *key;
	size_t offset, size;
};

#define F(type, member) { #member, offsetof(struct type, member), \
	sizeof(((struct type *)0)->member) }

static const struct field head_fields[] = {
	F(status_file, magic), F(status_file, version), F(status_file, order), F(status_file, size),
	F(status_file, pid), F(status_file, ppid), F(status_file, bits), F(status_file, made_real),
	F(status_file, made), F(status_file, program), F(status_file, command),
	F(status_file, shim),
	F(status_file, policy), F(status_file, start_policy), F(status_file, forked),
	F(status_file, state), F(status_file, ended), F(status_file, imports_live),
	F(status_file, imports_most), F(status_file, no_room), F(status_file, blocked_most), { 0 }
};
static const struct field name_fields[] = { { "text", 0, STATUS_NAME_LEN }, { 0 } };
static const struct field pair_fields[] = {
	F(status_pair, importer), F(status_pair, exporter), F(status_pair, call),
	F(status_pair, outcome), F(status_pair, native), F(status_pair, reason),
	F(status_pair, count), F(status_pair, bytes), { 0 }
};
static const struct field buffer_fields[] = {
	F(status_buffer, seq), F(status_buffer, live), F(status_buffer, exporter),
	F(status_buffer, turn), F(status_buffer, no_brackets), F(status_buffer, ino),
	F(status_buffer, size), F(status_buffer, begins), F(status_buffer, ends),
	F(status_buffer, owed), F(status_buffer, blocked), { 0 }
};
static const struct field import_fields[] = {
	F(status_import, seq), F(status_import, live), F(status_import, importer),
	F(status_import, buffer), F(status_import, handle), F(status_import, tid),
	F(status_import, since), { 0 }
};
static const struct field mapping_fields[] = {
	F(status_mapping, seq), F(status_mapping, live), F(status_mapping, importer),
	F(status_mapping, buffer), F(status_mapping, prot), F(status_mapping, by),
	F(status_mapping, tid), F(status_mapping, start), F(status_mapping, end),
	F(status_mapping, since), { 0 }
};
static const struct field event_fields[] = {
	F(status_event, seq), F(status_event, tid), F(status_event, at), F(status_event, kind),
	F(status_event, importer), F(status_event, exporter), F(status_event, outcome),
	F(status_event, native), F(status_event, reason), F(status_event, handle),
	F(status_event, entry), F(status_event, prot), F(status_event, ino), F(status_event, addr),
	F(status_event, len), F(status_event, took), { 0 }
};

/* The tables, in the order of the file. */
static struct table {
	const char *word, *room;
	const struct field *fields;
	size_t section, stride;		/* of struct status_section in the head */
	uint32_t n;
} tables[] = {
	{ "name", "names", name_fields, offsetof(struct status_file, names), STATUS_NAME_LEN, 64 },
	{ "pair", "pairs", pair_fields, offsetof(struct status_file, pairs),
	  sizeof(struct status_pair), 64 },
	{ "buffer", "buffers", buffer_fields, offsetof(struct status_file, buffers),
	  sizeof(struct status_buffer), 1024 },
	{ "import", "imports", import_fields, offsetof(struct status_file, imports),
	  sizeof(struct status_import), 2048 },
	{ "mapping", "mappings", mapping_fields, offsetof(struct status_file, mappings),
	  sizeof(struct status_mapping), 1024 },
	{ "event", "events", event_fields, offsetof(struct status_file, events),
	  sizeof(struct status_event), 8192 },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

static char *file;		/* the status file */
static size_t file_size, cut;

static struct status_section *section(const struct table *t)
{
	return (struct status_section *)(file + t->section);
}

static void make(void)
{
	static const char first[][8] = { "", "?" };
	struct status_file *h;

	file_size = sizeof(*h);
	for (size_t i = 0; i < TABLES; i++)
		file_size += (tables[i].stride * tables[i].n + 63) & ~(size_t)63;
	cut = file_size;
	file = calloc(1, file_size);
	if (!file)
		err(2, "memory");
	h = (struct status_file *)file;
	memcpy(h->magic, STATUS_MAGIC, sizeof(h->magic));
	h->version = STATUS_VERSION;
	h->order = STATUS_ORDER;
	h->size = file_size;
	h->pid = h->ppid = 1;
	h->bits = sizeof(void *) * 8;
	h->state = STATUS_EXITED;
	for (size_t i = 0, at = sizeof(*h); i < TABLES; i++) {
		*section(&tables[i]) =
			(struct status_section){ at, tables[i].stride, tables[i].n, 0 };
		at += (tables[i].stride * tables[i].n + 63) & ~(size_t)63;
	}
	for (size_t i = 0; i < 2 && i < tables[0].n; i++)
		memcpy(file + section(&tables[0])->offset + i * STATUS_NAME_LEN, first[i], 8);
	section(&tables[0])->used = tables[0].n < 2 ? tables[0].n : 2;
}

/* Text with \xNN in it, to bytes, of which the rest stays 0. */
static void put_text(char *to, size_t size, const char *value)
{
	for (size_t n = 0; *value && n < size; n++) {
		unsigned int byte;

		if (sscanf(value, "\\x%2x", &byte) == 1) {
			to[n] = byte;
			value += 4;
		} else {
			to[n] = *value++;
		}
	}
}

static void put(char *entry, const struct field *fields, const char *key, const char *value)
{
	const struct field *f = fields;
	uint64_t number = strtoull(value, NULL, 0);

	while (f->key && strcmp(f->key, key))
		f++;
	if (!f->key)
		errx(2, "there is no field %s", key);
	if (f->size > sizeof(number) || !strcmp(key, "magic"))
		put_text(entry + f->offset, f->size, value);
	else
		/* Of a little-endian machine these are the low bytes. */
		memcpy(entry + f->offset, &number, f->size);
}

/* The next KEY=VALUE of a line, or false. */
static bool next_pair(char **line, char **key, char **value)
{
	*key = strtok_r(NULL, " \n", line);
	if (!*key)
		return false;
	*value = strchr(*key, '=');
	if (!*value)
		errx(2, "%s: no KEY=VALUE", *key);
	*(*value)++ = '\0';
	return true;
}

static void add_entry(struct table *t, char **line)
{
	struct status_section *s = section(t);
	char *entry, *key, *value;
	bool event = t->fields == event_fields;

	if (!s->n || (!event && s->used >= s->n))
		errx(2, "no room for another %s", t->word);
	entry = file + s->offset + (size_t)(s->used++ % s->n) * s->stride;
	memset(entry, 0, s->stride);
	if (event)
		((struct status_event *)entry)->seq = s->used;
	/* All of these have it in the same place, behind an even seq. */
	else if (t->fields != name_fields && t->fields != pair_fields)
		entry[offsetof(struct status_import, live)] = 1;
	while (next_pair(line, &key, &value))
		put(entry, t->fields, key, value);
}

static void one_line(char *word, char **line)
{
	struct status_file *h = (struct status_file *)file;
	char *key, *value;
	unsigned int n = 0;

	for (size_t i = 0; i < TABLES; i++)
		if (!strcmp(word, tables[i].word)) {
			add_entry(&tables[i], line);
			return;
		}
	if (strcmp(word, "head") && strcmp(word, "counter") && strcmp(word, "file"))
		errx(2, "%s: not known", word);
	while (next_pair(line, &key, &value)) {
		if (!strcmp(word, "head"))
			put(file, head_fields, key, value);
		else if (!strcmp(word, "file"))
			cut = strtoull(value, NULL, 0);
		else if (!strcmp(key, "n"))
			n = strtoul(value, NULL, 0) % 32;
		else
			h->counters[n] = strtoull(value, NULL, 0);
	}
}

static void room(char **line)
{
	char *key, *value;

	while (next_pair(line, &key, &value))
		for (size_t i = 0; i < TABLES; i++)
			if (!strcmp(key, tables[i].room))
				tables[i].n = strtoul(value, NULL, 0);
}

static int write_file(const char *path)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;

	while (getline(&text, &len, stdin) > 0) {
		char *rest, *word = strtok_r(text, " \n", &rest);

		if (!word || *word == '#')
			continue;
		if (!file && !strcmp(word, "room")) {
			room(&rest);
			continue;
		}
		if (!file)
			make();
		one_line(word, &rest);
	}
	if (!file)
		make();
	f = fopen(path, "w");
	if (!f || fwrite(file, 1, cut < file_size ? cut : file_size, f) <
		  (cut < file_size ? cut : file_size) || fclose(f))
		err(2, "%s", path);
	free(text);
	free(file);
	return 0;
}

static int dump(const char *path)
{
	static const char *const names[STAT_COUNT] = {
		"import", "learned", "stale", "refused", "offset", "redirected", "native",
		"fallback",
		"denied", "export", "begin", "end", "owed", "blocked", "told", "own", "touched",
		"import_own", "import_unknown", "lost", "no_descriptor", "late",
		"direct", "direct_buffers", "direct_synced", "direct_sync", "direct_refused",
		"kept", "warm", "left",
	};
	struct status_file *h;
	FILE *f = fopen(path, "r");
	uint64_t bytes = 0, live[2] = { 0 }, refused = 0, faults = 0;

	if (!f || fseek(f, 0, SEEK_END) || !(file = calloc(1, ftell(f) + sizeof(*h))))
		err(2, "%s", path);
	file_size = ftell(f);
	rewind(f);
	if (fread(file, 1, file_size, f) < file_size)
		err(2, "%s", path);
	fclose(f);
	h = (struct status_file *)file;
	for (unsigned int i = 0; i < STAT_COUNT; i++) {
		if (!names[i])
			errx(2, "counter %u has no name here", i);
		printf("%s %llu\n", names[i], (unsigned long long)h->counters[i]);
	}
	for (uint32_t i = 0; i < h->pairs.used; i++) {
		struct status_pair *p = (struct status_pair *)(file + h->pairs.offset) + i;

		/* An import that was refused is counted, and is no event. */
		if (p->call == CALL_IMPORT)
			continue;
		if (p->native == NATIVE_SIGBUS)
			faults += p->count;
		else if (p->native > 0 || p->outcome == OUTCOME_REFUSED)
			refused += p->count;
	}
	printf("pairs_refused %llu\npairs_fault %llu\n", (unsigned long long)refused,
	       (unsigned long long)faults);
	for (uint32_t i = 0; i < h->imports.used; i++)
		live[0] += ((struct status_import *)(file + h->imports.offset))[i].live;
	for (uint32_t i = 0; i < h->mappings.used; i++) {
		struct status_mapping *m = (struct status_mapping *)(file + h->mappings.offset) + i;

		live[1] += m->live;
		bytes += m->live ? m->end - m->start : 0;
	}
	printf("pid %u\nstate %u\nevents %u\nimports_live %llu\nmappings_live %llu\n"
	       "bytes_mapped %llu\n",
	       h->pid, h->state, h->events.used, (unsigned long long)live[0],
	       (unsigned long long)live[1], (unsigned long long)bytes);
	free(file);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--dump"))
		return dump(argv[2]);
	if (argc != 2)
		errx(2, "usage: status-make FILE <SCRIPT | status-make --dump FILE");
	return write_file(argv[1]);
}
