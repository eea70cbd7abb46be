// SPDX-License-Identifier: MIT
/* Who imports and who exports; see who.h. */
#include "config.h"

#include <string.h>

#include "publish/publish.h"
#include "settings/settings.h"
#include "state/file_table.h"
#include "who.h"

struct names who_is(int fd, const struct buffer *b)
{
	struct names n = { NAME_UNKNOWN, NAME_UNKNOWN, NULL };
	struct file *f = file_lock(fd);

	if (f && f->name)
		n.importer = f->name;
	if (f) {
		n.table = f->table;
		file_unlock(f);
	}
	buffers_lock();
	if (b && b->exporter)
		n.exporter = b->exporter;
	buffers_unlock();
	return n;
}

bool who_foreign(int fd, const struct buffer *buf)
{
	struct names n = who_is(fd, buf);
	const char *driver = name_text(n.importer), *exporter = name_text(n.exporter);
	size_t a = strlen(driver), b = strlen(exporter);

	if (n.importer == NAME_UNKNOWN || n.exporter == NAME_UNKNOWN)
		return false;
	if (n.table)
		return !driver_exports_as(n.table, exporter);
	return strcmp(exporter, "drm") && strncmp(driver, exporter, a < b ? a : b);
}

unsigned int who_imports(int fd)
{
	return settings.dir ? who_is(fd, NULL).importer : 0;
}

uint16_t who_slot(int fd, uint32_t handle, const struct buffer *b)
{
	struct file *f = file_lock(fd);
	struct import *imp;
	uint16_t slot = 0;

	if (!f)
		return 0;
	imp = import_find(f, handle);
	buffers_lock();
	if (imp && imp->buffer == b)
		slot = publish_entry(imp->slot);
	buffers_unlock();
	file_unlock(f);
	return slot;
}
