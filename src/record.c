// SPDX-License-Identifier: MIT
/* Keeping the records true; see record.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drm_node.h"
#include "log.h"
#include "record.h"
#include "settings.h"
#include "stats.h"

struct names {
	char driver[NAME_LEN];
	char exporter[NAME_LEN];
};

void record_put(struct buffer *b)
{
	state_lock();
	buffer_put(b);
	state_unlock();
}

/* Ask once who exported @b and which driver is behind @fd. For the log and for record_foreign(). */
static void describe(int fd, int dmabuf, struct buffer *b)
{
	char exporter[NAME_LEN] = "?", driver[NAME_LEN] = "?";
	bool ask_exporter, ask_driver;
	struct file *f;

	state_lock();
	f = file_find(fd);
	ask_exporter = !b->exporter[0];
	ask_driver = f && !f->driver[0];
	state_unlock();

	if (ask_exporter)
		dmabuf_exporter(dmabuf, exporter, sizeof(exporter));
	if (ask_driver)
		drm_driver(fd, driver, sizeof(driver));

	state_lock();
	f = file_find(fd);
	if (ask_exporter)
		memcpy(b->exporter, exporter, sizeof(exporter));
	if (ask_driver && f)
		memcpy(f->driver, driver, sizeof(driver));
	state_unlock();
}

static struct names names_of(int fd, const struct buffer *b)
{
	struct names n = { "?", "?" };
	struct file *f;

	state_lock();
	f = file_find(fd);
	if (f && f->driver[0])
		memcpy(n.driver, f->driver, sizeof(n.driver));
	if (b->exporter[0])
		memcpy(n.exporter, b->exporter, sizeof(n.exporter));
	state_unlock();
	return n;
}

bool record_foreign(int fd, const struct buffer *buf)
{
	struct names n = names_of(fd, buf);
	size_t a = strlen(n.driver), b = strlen(n.exporter);

	return strcmp(n.exporter, "?") && strcmp(n.driver, "?") && strcmp(n.exporter, "drm") &&
	       strncmp(n.driver, n.exporter, a < b ? a : b);
}

struct label record_label(int fd, uint32_t handle, const struct buffer *b)
{
	struct names n = names_of(fd, b);
	struct label l;

	snprintf(l.text, sizeof(l.text), "%s handle %u <- %s, %llu bytes", n.driver, handle,
		 n.exporter, (unsigned long long)b->size);
	return l;
}

bool record_knows(int fd, uint32_t handle)
{
	bool known;

	state_lock();
	known = import_at(fd, handle, NULL);
	state_unlock();
	return known;
}

/*
 * Record that @handle of @fd holds @dmabuf. Returns its buffer, with a reference, or NULL. What
 * was there before is told by @before: the same, another, or no buffer (compare, do not touch).
 */
static struct buffer *note(int fd, uint32_t handle, int dmabuf, const struct buffer **before)
{
	struct import *imp = NULL;
	struct dmabuf_id id;
	struct buffer *b;
	struct file *f;
	uint64_t size;
	dev_t rdev;

	if (drm_node(fd, &rdev) < 0 || dmabuf_identify(dmabuf, &id, &size) < 0)
		return NULL;
	state_lock();
	f = file_get(fd, rdev);
	b = f ? buffer_get(&id, size) : NULL;
	if (b) {
		imp = import_find(f, handle);
		*before = imp ? imp->buffer : NULL;
		b->refs++;	/* the caller's */
		imp = import_set(f, handle, b);
		if (!imp)
			buffer_put(b);
	}
	state_unlock();
	return imp ? b : NULL;
}

void record_closed(int fd, uint32_t handle, uint64_t clock)
{
	struct import *imp;
	struct file *f;

	state_lock();
	imp = import_at(fd, handle, &f);
	if (imp && imp->born <= clock)
		import_drop(f, imp);
	state_unlock();
}

int record_fetch(int fd, uint32_t handle, struct buffer **b)
{
	const struct buffer *before = NULL;
	uint64_t clock = record_closing();
	int dmabuf = drm_export(fd, handle);

	if (dmabuf == -ENOENT || dmabuf == -EBADF)
		record_closed(fd, handle, clock);
	if (dmabuf < 0)
		return dmabuf;
	*b = note(fd, handle, dmabuf, &before);
	if (!*b) {
		close(dmabuf);
		return -EINVAL;
	}
	describe(fd, dmabuf, *b);
	if (before != *b) {
		stat_inc(before ? STAT_STALE : STAT_LEARNED);
		log_line("import %s: %s", before ? "changed" : "learned",
			 record_label(fd, handle, *b).text);
	}
	return dmabuf;
}

void record_imported(int fd, uint32_t handle, int dmabuf)
{
	const struct buffer *before;
	struct buffer *b = note(fd, handle, dmabuf, &before);

	if (!b)
		return;
	stat_inc(STAT_IMPORT);
	if (settings.log) {
		describe(fd, dmabuf, b);
		log_line("import: %s", record_label(fd, handle, b).text);
	}
	record_put(b);
}

void record_exported(int fd, uint32_t handle, int dmabuf)
{
	const struct buffer *before = NULL;
	struct buffer *b;

	if (!record_knows(fd, handle))
		return;
	b = note(fd, handle, dmabuf, &before);
	if (!b)
		return;
	if (before != b)
		stat_inc(STAT_STALE);
	record_put(b);
}

uint64_t record_closing(void)
{
	uint64_t clock;

	state_lock();
	clock = import_clock();
	state_unlock();
	return clock;
}

void record_renamed(int fd, uint32_t from, uint32_t to)
{
	struct import *imp;
	struct file *f;

	state_lock();
	imp = import_at(fd, from, &f);
	if (imp)
		import_rename(f, imp, to);
	state_unlock();
}

void record_offset(int fd, uint32_t handle, uint64_t offset)
{
	struct import *imp;
	struct file *f;

	state_lock();
	imp = import_at(fd, handle, &f);
	if (imp)
		offset_native(f, imp, offset);
	state_unlock();
}

