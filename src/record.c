// SPDX-License-Identifier: MIT
/* Keeping the records true; see record.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "descriptor.h"
#include "drm_node.h"
#include "log.h"
#include "next.h"
#include "record.h"
#include "settings.h"
#include "stats.h"

struct names {
	char driver[NAME_LEN];
	char exporter[NAME_LEN];
};

void record_put(struct buffer *b)
{
	buffers_lock();
	buffer_put(b);
	buffers_unlock();
}

/* Ask once who exported @b and which driver is behind @fd. For the log and for record_foreign(). */
static void describe(int fd, int dmabuf, struct buffer *b)
{
	char exporter[NAME_LEN] = "?", driver[NAME_LEN] = "?";
	bool ask_exporter, ask_driver;
	struct file *f;

	buffers_lock();
	ask_exporter = !buffer_exporter(b)[0];
	buffers_unlock();
	if (ask_exporter) {
		int ret = dmabuf_exporter(dmabuf, exporter, sizeof(exporter));

		if (ret < 0 && ret != -ENOENT)
			return;
		buffers_lock();
		buffer_name_exporter(b, exporter);
		buffers_unlock();
	}

	f = file_lock(fd);
	if (!f)
		return;
	ask_driver = !f->driver[0];
	file_unlock(f);
	if (!ask_driver)
		return;
	if (drm_driver(fd, driver, sizeof(driver)) < 0)
		return;
	f = file_lock(fd);
	if (!f)
		return;
	memcpy(f->driver, driver, sizeof(driver));
	file_unlock(f);
}

static struct names names_of(int fd, const struct buffer *b)
{
	struct names n = { "?", "?" };
	struct file *f = file_lock(fd);

	if (f && f->driver[0])
		memcpy(n.driver, f->driver, sizeof(n.driver));
	if (f)
		file_unlock(f);
	buffers_lock();
	if (b && buffer_exporter(b)[0])
		memcpy(n.exporter, buffer_exporter(b), sizeof(n.exporter));
	buffers_unlock();
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
		 n.exporter, b ? (unsigned long long)buffer_size(b) : 0);
	return l;
}

/* The import behind @handle with its file locked, or NULL with nothing locked. */
static struct import *lock_import(int fd, uint32_t handle, struct file **f)
{
	struct import *imp;

	*f = file_lock(fd);
	if (!*f)
		return NULL;
	imp = import_find(*f, handle);
	if (!imp)
		file_unlock(*f);
	return imp;
}

bool record_knows(int fd, uint32_t handle)
{
	struct file *f;

	if (!lock_import(fd, handle, &f))
		return false;
	file_unlock(f);
	return true;
}

/*
 * Record that @handle of @fd holds @dmabuf. Returns its buffer, with a reference, or NULL. What
 * was there before is told by @before: the same, another, or no buffer (compare, do not touch).
 */
static struct buffer *note(int fd, uint32_t handle, int dmabuf, const struct buffer **before)
{
	struct buffer *b = NULL;
	struct dmabuf_id id;
	struct import *imp;
	struct file *f;
	uint64_t size;
	dev_t rdev;

	if (drm_node(fd, &rdev) < 0 || dmabuf_identify(dmabuf, &id, &size) < 0)
		return NULL;
	f = file_lock_new(fd, rdev);
	if (!f)
		return NULL;
	imp = import_set(f, handle, &id, size, before);
	if (imp) {
		b = imp->buffer;
		buffers_lock();
		b->refs++;
		buffers_unlock();
	}
	file_unlock(f);
	return b;
}

void record_closed(int fd, uint32_t handle, uint32_t clock)
{
	struct file *f;
	struct import *imp = lock_import(fd, handle, &f);

	if (!imp)
		return;
	if (import_older(imp, clock))
		import_drop(f, imp);
	file_unlock(f);
}

int record_fetch(int fd, uint32_t handle, struct buffer **b)
{
	const struct buffer *before = NULL;
	uint32_t clock = import_clock();
	int dmabuf = drm_export(fd, handle);

	if (dmabuf == -ENOENT || dmabuf == -EBADF)
		record_closed(fd, handle, clock);
	if (dmabuf < 0)
		return dmabuf;
	*b = note(fd, handle, dmabuf, &before);
	if (!*b) {
		next.close(dmabuf);
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

void record_renamed(int fd, uint32_t from, uint32_t to, uint32_t clock)
{
	struct file *f;
	struct import *imp = lock_import(fd, from, &f);

	if (!imp)
		return;
	if (import_older(imp, clock))
		import_rename(f, imp, to);
	file_unlock(f);
}

void record_offset(int fd, uint32_t handle, uint64_t offset)
{
	struct file *f;
	struct import *imp = lock_import(fd, handle, &f);
	struct buffer *b;
	bool known;
	int dmabuf;

	if (!imp)
		return;
	known = imp->native == offset;
	file_unlock(f);
	if (known)
		return;
	/* Of a stale record it would lead the number's next user to another's buffer. */
	dmabuf = record_fetch(fd, handle, &b);
	if (dmabuf < 0)
		return;
	next.close(dmabuf);
	imp = lock_import(fd, handle, &f);
	if (imp) {
		if (imp->buffer == b)
			offset_native(f, imp, offset);
		file_unlock(f);
	}
	record_put(b);
}

uint64_t record_synthetic(int fd, uint32_t handle, const struct buffer *b)
{
	struct file *f;
	struct import *imp = lock_import(fd, handle, &f);
	uint64_t offset = 0;

	if (!imp)
		return 0;
	if (imp->buffer == b)
		offset = offset_synthetic(f, imp);
	file_unlock(f);
	return offset;
}

void record_native_works(int fd, uint32_t handle, const struct buffer *b, bool works)
{
	struct file *f;
	struct import *imp = lock_import(fd, handle, &f);

	if (!imp)
		return;
	if (imp->buffer == b)
		imp->native_works = works ? YES : NO;
	file_unlock(f);
}

bool record_find(int fd, uint64_t offset, struct view *v)
{
	struct import *imp;
	struct file *f;
	dev_t rdev;

	if (!descriptor_known(fd) &&
	    (offset < SYNTHETIC_FIRST || offset >= SYNTHETIC_END || drm_node(fd, &rdev) < 0 ||
	     !file_join(fd, rdev)))
		return false;
	f = file_lock(fd);
	if (!f)
		return false;
	imp = offset_find(f, offset, &v->delta);
	if (imp) {
		v->fd = fd;
		v->handle = imp->handle;
		v->buffer = imp->buffer;
		v->native = imp->native && offset - v->delta == imp->native;
		v->native_fails = imp->native_works == NO;
		buffers_lock();
		v->buffer->refs++;
		buffers_unlock();
	}
	file_unlock(f);
	return imp;
}
