// SPDX-License-Identifier: MIT
/* Writes the records to the status file; see snapshot.h. */
#include "config.h"

#include "publish/publish.h"
#include "snapshot.h"
#include "state/buffer.h"
#include "state/descriptor.h"
#include "state/import.h"
#include "state/kept.h"
#include "state/mapping.h"

static bool piece(uint64_t start, uint64_t end, struct status_mapping *out)
{
	struct mapping m;

	if (!mapping_at(start, end - start, &m))
		return false;
	*out = (struct status_mapping){
		.importer = m.note & NOTE_IMPORTER,
		.by = m.note & NOTE_DIRECT ? MAPPED_DIRECT : m.note & NOTE_NATIVE ? MAPPED_NATIVE :
		      MAPPED_DMABUF,
		.buffer = publish_entry(m.buffer->slot), .prot = m.prot,
		.start = m.start, .end = m.end,
	};
	return true;
}

void snapshot_mapped(uint64_t start, uint64_t end)
{
	struct status_mapping m;

	if (!published())
		return;
	for (uint64_t at = start; at < end && piece(at, end, &m); at = m.end)
		publish_mapping(&m);
}

void snapshot_changed(uint64_t start, uint64_t end)
{
	if (published())
		publish_mapping_changed(start, end, piece);
}

static void unmapped(const struct mapping *m, uint64_t start, uint64_t end)
{
	uint64_t from = m->start > start ? m->start : start, to = m->end < end ? m->end : end;

	publish_event((struct status_event){
		.kind = EVENT_UNMAP, .exporter = m->buffer->exporter, .ino = m->buffer->ino,
		.addr = from, .len = to - from,
	});
}

void snapshot_unmap_first(uint64_t start, uint64_t end)
{
	struct mapping m;

	if (published() && mapping_at(start, end - start, &m))
		unmapped(&m, start, end);
}

void snapshot_unmap(uint64_t start, uint64_t end, unsigned int serial)
{
	struct mapping m;

	if (!published())
		return;
	for (uint64_t at = start; at < end && mapping_at(at, end - at, &m); at = m.end)
		if (m.serial == serial)
			unmapped(&m, start, end);
}

static void show(struct buffer *b)
{
	b->slot = 0;
	buffer_changed(b);
	for (struct import *imp = b->imports; imp; imp = imp->sibling) {
		imp->slot = 0;
		import_publish(imp);
	}
}

static int begin(int pid)
{
	int ret;

	buffers_lock();
	ret = publish_begin(pid);
	if (!ret) {
		for (unsigned int i = 0; i < names_used(); i++)
			publish_name(i, name_text(i));
		buffers_visit(show);
		snapshot_mapped(0, UINT64_MAX);
		publish_kept(kept_bytes());
	}
	buffers_unlock();
	return ret;
}

void snapshot_open(void)
{
	int pid = publish_due(), ret;

	if (!pid || descriptors_borrowed())
		return;
	if (pid < 0) {
		publish_failed(pid);
		return;
	}
	/* The child of a fork() without atfork handlers still has its parent's status file. */
	publish_forked();
	ret = begin(pid);
	if (!ret) {
		ret = publish_make();
		buffers_lock();
		publish_made(ret);
		buffers_unlock();
	}
	if (ret < 0)
		publish_failed(ret);
}
