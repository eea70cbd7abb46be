// SPDX-License-Identifier: MIT
/* Keeps the records true; see record.h. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/drm_node.h"
#include "kernel/next.h"
#include "kernel/sandbox.h"
#include "publish/probes.h"
#include "publish/publish.h"
#include "publish/stats.h"
#include "record.h"
#include "settings/log.h"
#include "settings/settings.h"
#include "settings/wanted.h"
#include "settings/watch.h"
#include "state/descriptor.h"
#include "state/file_table.h"
#include "state/offsets.h"
#include "state/own.h"
#include "report.h"
#include "who.h"

void record_put(struct buffer *b)
{
	buffers_lock();
	buffer_put(b);
	buffers_unlock();
}

void record_exporter(int dmabuf, struct buffer *b)
{
	char name[NAME_LEN] = "?";
	bool known;
	int ret;

	buffers_lock();
	known = buffer_exporter(b)[0];
	buffers_unlock();
	if (known)
		return;
	ret = dmabuf_exporter(dmabuf, name, sizeof(name));
	if (ret < 0 && ret != -ENOENT)
		return;
	buffers_lock();
	buffer_name_exporter(b, name);
	buffers_unlock();
}

/* Logs a driver without a table, once, so that the user may report it. */
static void tell_driver(const char *name)
{
	static char told[NAME_LEN];
	bool news;

	buffers_lock();
	news = strcmp(told, name);
	strcpy(told, name);
	buffers_unlock();
	if (news)
		log_line("the driver %s is not known: taken for one with dumb buffers only", name);
}

/*
 * The file at @fd, of the device @rdev, with its lock taken and its driver known; or NULL. Also
 * NULL for a driver that PRIMESHIM_DRIVERS leaves out.
 */
static struct file *lock_wanted(int fd, dev_t rdev)
{
	struct file *f;

	/*
	 * Asked before the first file is known, since the shim would compare a second file with it
	 * by kcmp().
	 */
	if (sandbox_ask())
		report_sandbox();
	f = file_lock_new(fd, rdev);
	if (f && !f->driver[0]) {
		const struct driver *table = NULL;
		char name[NAME_LEN] = "";

		file_unlock(f);
		/* A driver that cannot be asked now is asked again next time. */
		if (!drm_driver(fd, name, sizeof(name)))
			table = driver_find(name);
		else
			name[0] = '\0';
		if (name[0] && !table && !driver_is_generic(name))
			tell_driver(name);
		if (table)
			watch_driver(table);
		f = file_lock_new(fd, rdev);
		if (f) {
			memcpy(f->driver, name, sizeof(name));
			buffers_lock();
			f->name = name[0] ? name_number(name) : 0;
			buffers_unlock();
			f->table = table;
			f->wanted = driver_wanted(name, table);
		}
	}
	if (f && !f->wanted) {
		file_unlock(f);
		return NULL;
	}
	return f;
}

/* The import's buffer, with a reference for the caller. With the file's lock held. */
static struct buffer *buffer_of(const struct import *imp)
{
	buffers_lock();
	imp->buffer->refs++;
	buffers_unlock();
	return imp->buffer;
}

/* The import behind @handle with its file's lock taken, or NULL with no lock taken. */
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

const struct drv_ioctl *record_ioctl(int fd, uint32_t request, const struct driver **table)
{
	struct file *f;
	dev_t rdev;

	/* The program may have made this duplicate before the shim knew of the file. */
	if (atomic_load_explicit(&imports_live, memory_order_relaxed) && !descriptor_known(fd) &&
	    drm_node(fd, &rdev) == 0)
		file_join(fd, rdev);
	*table = &generic_driver;
	if (!driver_ioctl_private(request))
		return driver_ioctl(NULL, request);
	f = file_lock(fd);
	if (!f)
		return NULL;
	*table = f->table;
	file_unlock(f);
	return driver_ioctl(*table, request);
}

struct buffer *record_buffer(int fd, uint32_t handle)
{
	struct file *f;
	struct import *imp = lock_import(fd, handle, &f);
	struct buffer *b = NULL;

	if (imp) {
		b = buffer_of(imp);
		file_unlock(f);
	}
	return b;
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
 * Records that @handle of @fd holds @dmabuf, unless the buffer is the device's own. @proof: it is
 * not the device's own, whatever was recorded (the program may have exported an unseen import).
 * Returns the buffer with a reference, or NULL. *@own: the device's own. *@before: the buffer
 * recorded before, which may be the same, another, or NULL (to compare, not to follow).
 */
static struct buffer *record_dmabuf(int fd, dev_t rdev, uint32_t handle, int dmabuf,
			   bool proof, const struct buffer **before, bool *own)
{
	struct buffer *b = NULL;
	struct dmabuf_id id;
	struct import *imp;
	struct file *f;
	uint64_t size;

	*own = false;
	if (dmabuf_identify(dmabuf, &id, &size) < 0)
		return NULL;
	own_imported(&id, proof);
	f = lock_wanted(fd, rdev);
	if (!f)
		return NULL;
	*own = own_knows(&id, rdev);
	if (*own) {
		imp = import_find(f, handle);
		if (imp)
			import_drop(f, imp);
		file_unlock(f);
		return NULL;
	}
	imp = import_set(f, handle, &id, size, before);
	if (imp)
		b = buffer_of(imp);
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

int record_fetch(int fd, uint32_t handle, bool proof, struct buffer **b)
{
	const struct buffer *before = NULL;
	uint32_t clock = import_clock();
	bool known = true, own;
	struct file *f;
	int dmabuf;
	dev_t rdev;

	f = file_lock(fd);
	if (f) {
		rdev = f->rdev;
		file_unlock(f);
	} else if (drm_node(fd, &rdev) < 0) {
		return -EINVAL;
	}
	f = lock_wanted(fd, rdev);
	if (!f)
		return -EINVAL;
	if (proof && f->table && f->table->quirks & QUIRK_NO_PROOF) {
		proof = false;
		known = import_find(f, handle);
	}
	file_unlock(f);
	if (!known)
		return -ENOENT;
	dmabuf = drm_export(fd, handle);
	if (dmabuf == -ENOENT || dmabuf == -EBADF)
		record_closed(fd, handle, clock);
	if (dmabuf < 0)
		return dmabuf;
	*b = record_dmabuf(fd, rdev, handle, dmabuf, proof, &before, &own);
	if (!*b) {
		next.close(dmabuf);
		return -EINVAL;
	}
	record_exporter(dmabuf, *b);
	if (before != *b)
		report_import(fd, handle, *b, before ? HOW_CHANGED : HOW_LEARNED);
	return dmabuf;
}

void record_imported(int fd, uint32_t handle, int dmabuf)
{
	const struct buffer *before;
	struct buffer *b;
	dev_t rdev;
	bool own;

	if (drm_node(fd, &rdev) < 0)
		return;
	b = record_dmabuf(fd, rdev, handle, dmabuf, false, &before, &own);
	if (own)
		report_own();
	if (!b)
		return;
	if (settings.log || settings.dir || PROBE_WANTED(import))
		record_exporter(dmabuf, b);
	report_import(fd, handle, b, HOW_SEEN);
	record_put(b);
}

void record_not_imported(int fd, int dmabuf, int err)
{
	char exporter[NAME_LEN] = "?";
	struct dmabuf_id id;
	struct file *f;
	uint64_t size;
	dev_t rdev;

	if ((!settings.dir && !settings.log) || drm_node(fd, &rdev) < 0 ||
	    dmabuf_identify(dmabuf, &id, &size) < 0)
		return;
	/* A file that is no dma-buf has no exporter, and the kernel says EINVAL (dma_buf_get()). */
	if (dmabuf_exporter(dmabuf, exporter, sizeof(exporter)) < 0 && err == -EINVAL)
		return;
	f = lock_wanted(fd, rdev);
	if (!f)
		return;
	file_unlock(f);
	report_not_imported(fd, exporter, size, err);
}

void record_exported(int fd, uint32_t handle, int dmabuf)
{
	const struct buffer *before = NULL;
	struct dmabuf_id id;
	struct buffer *b;
	uint64_t size;
	dev_t rdev;
	bool own;

	if (mode_now() != MODE_DENY && !settings.dir &&
	    !atomic_load_explicit(&imports_live, memory_order_relaxed))
		return;
	if (drm_node(fd, &rdev) < 0)
		return;
	if (!record_knows(fd, handle)) {
		if (dmabuf_identify(dmabuf, &id, &size) == 0)
			own_exported(&id, rdev);
		return;
	}
	b = record_dmabuf(fd, rdev, handle, dmabuf, false, &before, &own);
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
	/* The offset of a stale record would lead the number's next user to another buffer. */
	dmabuf = record_fetch(fd, handle, false, &b);
	if (dmabuf < 0 && dmabuf != -EOPNOTSUPP)
		return;
	imp = lock_import(fd, handle, &f);
	if (imp) {
		if (dmabuf < 0 || imp->buffer == b)
			offset_native(f, imp, offset);
		file_unlock(f);
	}
	if (dmabuf >= 0) {
		next.close(dmabuf);
		record_put(b);
	}
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
		imp->native_works = works ? ANSWER_YES : ANSWER_NO;
	file_unlock(f);
}

bool record_find(int fd, uint64_t offset, struct view *v)
{
	bool ours = offset >= SYNTHETIC_FIRST && offset < SYNTHETIC_END;
	struct import *imp;
	struct file *f;
	dev_t rdev;

	if (!descriptor_known(fd) && !(ours && drm_node(fd, &rdev) == 0 && file_join(fd, rdev)))
		return false;
	f = file_lock(fd);
	if (!f)
		return false;
	imp = offset_find(f, offset, &v->delta);
	/*
	 * A raw system call may have closed the descriptor, and its number may be a duplicate now.
	 */
	if (!imp && ours && !f->imports.n) {
		rdev = f->rdev;
		file_unlock(f);
		f = file_rejoin(fd, rdev) ? file_lock(fd) : NULL;
		if (!f)
			return false;
		imp = offset_find(f, offset, &v->delta);
	}
	if (imp) {
		v->fd = fd;
		v->handle = imp->handle;
		v->buffer = buffer_of(imp);
		v->native = imp->native && offset - v->delta == imp->native;
		v->native_works = imp->native_works;
		v->quirks = f->table ? f->table->quirks : 0;
		v->access = f->access;
		v->forwards = f->table && f->table->natively == NATIVELY_FORWARDED;
	}
	file_unlock(f);
	return imp;
}
