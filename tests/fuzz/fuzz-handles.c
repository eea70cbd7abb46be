// SPDX-License-Identifier: MIT
/* The fuzzer's steps on dma-bufs and handles. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "settings/settings.h"

#include "fuzz.h"

struct change_handle {
	uint32_t handle, new_handle;
};
#define IOCTL_CHANGE_HANDLE	DRM_IOWR(0xd2, struct change_handle)

static int room_for_fd(struct thread *t)
{
	int used = 0;

	for (int i = 0; i < FDS; i++)
		used += t->fds[i].number >= 0;
	return used < FDS - 6;
}

bool room_for_handle(struct thread *t)
{
	int used = 0, objects = 0;

	for (int i = 0; i < HANDLES; i++)
		used += t->handles[i].used;
	for (int i = 0; i < OBJECTS; i++)
		objects += t->objects[i].used;
	return used < HANDLES - 2 && objects < OBJECTS - 1;
}

/* Each page says what it is, and has a word that is written. */
static void stamp(struct buf *b, void *view, uint64_t ino)
{
	b->view = view;
	b->ino = ino;
	for (int i = 0; i < b->pages; i++) {
		b->view[i * PAGE / 8] = (uint64_t)b->id << 32 | i;
		b->view[i * PAGE / 8 + 1] = i;
	}
}

void step_foreign(struct thread *t)
{
	int buf = room_for_fd(t) ? buf_new(t) : -1, fd, rw;
	struct stat st;
	struct buf *b;
	char path[40];
	void *view;

	if (buf < 0)
		return;
	b = &t->bufs[buf];
	b->pages = 1 + rnd(t, MOST_PAGES);
	b->origin = -1;
	b->exported = true;
	b->writable = !one_in(t, 6);
	fd = fake_export(b->pages * PAGE - rnd(t, 2), 0, b->writable);
	EXPECT(t, fd >= 0, "export: %d", errno);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rw = fake_open(path, O_RDWR | O_CLOEXEC);
	view = fake_mmap64(NULL, b->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rw, 0);
	EXPECT(t, view != MAP_FAILED && !fake_fstat(rw, &st), "view: %d", errno);
	fake_close(rw);
	stamp(b, view, st.st_ino);
	log_step(t, "foreign buffer %x, %d pages%s: %d", b->id, b->pages,
		 b->writable ? "" : ", read-only", fd);
	settle_number(t, fd_new(t, fd, -1, buf, false));
}

void step_dumb(struct thread *t)
{
	int fd = fd_pick(t, true), file = fd < 0 ? -1 : t->fds[fd].file, buf, object;
	struct drm_mode_create_dumb dumb = { .width = PAGE / 4, .bpp = 32 };
	uint64_t offset = 0;
	struct buf *b;
	void *view;
	int ret;

	if (fd < 0 || t->files[file].read_only || !room_for_handle(t))
		return;
	buf = buf_new(t);
	if (buf < 0)
		return;
	b = &t->bufs[buf];
	b->pages = dumb.height = 1 + rnd(t, MOST_PAGES);
	b->origin = t->files[file].device;
	before(t);
	ret = shim_ioctl(t->fds[fd].number, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	after(t, ret < 0);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->fds[fd].file);
	if (ret < 0) {
		b->id = 0;
		return;
	}
	EXPECT(t, !map_ioctl(t->fds[fd].number, dumb.handle, &offset), "map of dumb: %d", errno);
	view = fake_mmap64(NULL, b->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			   t->fds[fd].number, offset);
	EXPECT(t, view != MAP_FAILED, "view of dumb: %d", errno);
	stamp(b, view, fake_handle(t->fds[fd].number, dumb.handle).ino);
	object = object_new_of(t, b->origin, buf, false);
	t->objects[object].native = offset;
	handle_add(t, file, object, dumb.handle);
	log_step(t, "dumb buffer %x, %d pages: file %d handle %u", b->id, b->pages, file,
		 dumb.handle);
}

/* Which handles of the file hold that buffer, and whether one is surely found by its dma-buf. */
static bool holds(struct thread *t, int file, int buf, bool *primed)
{
	bool any = false;

	*primed = false;
	for (int i = 0; i < HANDLES; i++) {
		struct handle *h = &t->handles[i];

		if (!h->used || h->file != file || t->objects[h->object].buf != buf)
			continue;
		any = true;
		*primed |= h->primed;
	}
	return any;
}

void step_import(struct thread *t)
{
	int fd = fd_pick(t, true), from = fd_pick(t, false), file, buf, object, h, ret;
	bool unseen = t->dirty && one_in(t, 10), primed, any;
	struct drm_prime_handle p = { .handle = 77 };
	struct buf *b;

	if (fd < 0 || from < 0 || !room_for_handle(t))
		return;
	file = t->fds[fd].file;
	buf = t->fds[from].buf;
	b = &t->bufs[buf];
	any = holds(t, file, buf, &primed);
	p.fd = t->fds[from].number;
	if (!unseen)
		before(t);
	errno = KEPT;
	ret = unseen ? fake_ioctl(t->fds[fd].number, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p) :
		       shim_ioctl(t->fds[fd].number, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p);
	after(t, ret < 0);
	log_step(t, "%simport %x by %d into %d, file %d: %d, handle %u", unseen ? "unseen " : "",
		 b->id, t->fds[from].number, t->fds[fd].number, file, ret, p.handle);
	judge(t, ret < 0 ? t->err : 0, 0);
	if (t->struck) {
		t->files[file].split = true;
		t->fds[fd].known = false;
	}
	if (ret < 0)
		return;
	EXPECT(t, fake_handle(t->fds[fd].number, p.handle).ino == b->ino,
	       "handle %u holds another buffer", p.handle);
	h = handle_at(t, file, p.handle);
	EXPECT(t, h >= 0 || !primed, "buffer %x is imported already", b->id);
	EXPECT(t, h < 0 || (any && t->objects[t->handles[h].object].buf == buf),
	       "handle %u is in use", p.handle);
	if (h < 0) {
		object = object_new_of(t, t->files[file].device, buf,
				       b->origin != t->files[file].device);
		h = handle_add(t, file, object, p.handle);
		t->handles[h].primed = true;
	}
	if (unseen) {
		t->blurred = true;
		return;
	}
	/* The device's own buffer is none, where its export was seen; nor what is taken for one. */
	t->handles[h].recorded = !t->struck && !b->doubtful &&
			      t->objects[t->handles[h].object].import;
	if (t->struck)
		t->handles[h].sure = false;
	else
		t->fds[fd].known = true;
}

void step_export(struct thread *t)
{
	int h = handle_pick(t), fd, ret, from;
	struct drm_prime_handle p = { .flags = DRM_CLOEXEC };
	struct stat st;
	struct buf *b;

	if (h < 0 || !room_for_fd(t))
		return;
	from = fd_of_file(t, t->handles[h].file);
	b = &t->bufs[t->objects[t->handles[h].object].buf];
	p.handle = t->handles[h].number;
	p.flags |= one_in(t, 4) ? 0 : DRM_RDWR;
	before(t);
	ret = shim_ioctl(t->fds[from].number, DRM_IOCTL_PRIME_HANDLE_TO_FD, &p);
	after(t, ret < 0);
	log_step(t, "export %x, file %d handle %u by %d: %d, fd %d", b->id, t->handles[h].file,
		 p.handle, t->fds[from].number, ret, p.fd);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->handles[h].file);
	if (ret < 0)
		return;
	EXPECT(t, !fake_fstat(p.fd, &st) && st.st_ino == b->ino, "exported another buffer");
	b->given = sync_now() == SYNC_DRIVER;
	b->loose |= t->struck != 0;
	/* Of an import that it has not seen the shim takes it for the device's own. */
	b->doubtful |= !t->handles[h].recorded;
	/* Where the shim had a record of another buffer it may have been the first to export it. */
	if (!b->exported)
		b->writable = p.flags & DRM_RDWR ||
			      (fake_fcntl(p.fd, F_GETFL) & O_ACCMODE) == O_RDWR;
	b->exported = true;
	EXPECT(t, (fake_fcntl(p.fd, F_GETFL) & O_ACCMODE) == (b->writable ? O_RDWR : O_RDONLY),
	       "its access mode");
	fd = fd_new(t, p.fd, -1, t->objects[t->handles[h].object].buf, false);
	settle_number(t, fd);
}

/* The shim finds out at the next use, which may be one of another handle of the buffer. */
void closed_unseen(struct thread *t, int handle)
{
	int buf = t->objects[t->handles[handle].object].buf;

	t->ghosts++;
	for (int i = 0; i < HANDLES; i++) {
		struct handle *h = &t->handles[i];

		if (h->used && h->file == t->handles[handle].file &&
		    t->objects[h->object].buf == buf)
			h->sure = false;
	}
}

void step_gem_close(struct thread *t)
{
	int h = handle_pick(t), fd, ret;
	bool unseen = t->dirty && one_in(t, 8), dumb = one_in(t, 2);
	unsigned long request = dumb ? DRM_IOCTL_MODE_DESTROY_DUMB : DRM_IOCTL_GEM_CLOSE;
	struct drm_gem_close c = { 0 };

	if (h < 0)
		return;
	fd = fd_of_file(t, t->handles[h].file);
	c.handle = t->handles[h].number;
	if (!unseen)
		before(t);
	errno = KEPT;
	ret = unseen ? fake_ioctl(t->fds[fd].number, request, &c) :
		       shim_ioctl(t->fds[fd].number, request, &c);
	after(t, ret < 0);
	log_step(t, "%sGEM_CLOSE file %d handle %u by %d: %d", unseen ? "unseen " : "",
		 t->handles[h].file, c.handle, t->fds[fd].number, ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->handles[h].file);
	if (ret < 0)
		return;
	/* By a descriptor that the shim does not know it is not seen either. */
	if (unseen || t->struck || !t->fds[fd].known)
		closed_unseen(t, h);
	handle_gone(t, h);
}

void step_flink(struct thread *t)
{
	int h = handle_pick(t), fd, into, ret, added;
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open gem = { 0 };
	struct object *o;

	if (h < 0 || !room_for_handle(t))
		return;
	fd = fd_of_file(t, t->handles[h].file);
	into = one_in(t, 2) ? fd : fd_pick(t, true);
	o = &t->objects[t->handles[h].object];
	if (t->files[t->fds[into].file].device != o->device)
		return;
	flink.handle = t->handles[h].number;
	before(t);
	ret = shim_ioctl(t->fds[fd].number, DRM_IOCTL_GEM_FLINK, &flink);
	after(t, ret < 0);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->handles[h].file);
	if (ret < 0)
		return;
	EXPECT(t, !o->name || o->name == flink.name, "another name");
	o->name = gem.name = flink.name;
	ret = shim_ioctl(t->fds[into].number, DRM_IOCTL_GEM_OPEN, &gem);
	EXPECT(t, !ret, "GEM_OPEN: %d", errno);
	log_step(t, "GEM_OPEN of file %d handle %u into file %d: %u", t->handles[h].file,
		 flink.handle, t->fds[into].file, gem.handle);
	added = handle_add(t, t->fds[into].file, t->handles[h].object, gem.handle);
	EXPECT(t, fake_handle(t->fds[into].number, gem.handle).ino == t->bufs[o->buf].ino,
	       "handle %d: another buffer", added);
}

void step_rename(struct thread *t)
{
	int h = handle_pick(t), fd, ret;
	struct change_handle c;

	/* Where another thread takes the old number at once the record is its. */
	if (h < 0 || (threads > 1 && t->handles[h].file < SHARED))
		return;
	fd = fd_of_file(t, t->handles[h].file);
	c.handle = t->handles[h].number;
	c.new_handle = 1000 + t->index * 200 + rnd(t, 200);
	if (handle_at(t, t->handles[h].file, c.new_handle) >= 0)
		return;
	before(t);
	ret = shim_ioctl(t->fds[fd].number, IOCTL_CHANGE_HANDLE, &c);
	after(t, ret < 0);
	log_step(t, "change file %d handle %u into %u by %d: %d", t->handles[h].file, c.handle,
		 c.new_handle, t->fds[fd].number, ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, t->handles[h].file);
	if (ret < 0)
		return;
	t->handles[h].number = c.new_handle;
	if (t->fds[fd].known)
		return;
	t->handles[h].recorded = t->handles[h].sure = false;
	t->ghosts++;
}

/* Arguments that the kernel refuses: what it says without the shim. */
void step_bad_ioctl(struct thread *t)
{
	static const unsigned long requests[] = {
		DRM_IOCTL_PRIME_FD_TO_HANDLE, DRM_IOCTL_PRIME_HANDLE_TO_FD, DRM_IOCTL_GEM_CLOSE,
		DRM_IOCTL_MODE_DESTROY_DUMB, DRM_IOCTL_MODE_MAP_DUMB, IOCTL_CHANGE_HANDLE,
	};
	unsigned long request = requests[rnd(t, 6)];
	uint32_t ours[8], natives[8] = { 900000 + rnd(t, 3), 0, 0, 0 };
	int fd = fd_pick(t, !one_in(t, 8)), number = fd < 0 ? -1 : t->fds[fd].number, ret;
	bool pointer = one_in(t, 3);

	if (one_in(t, 6))
		number = ANY_FD - 100;
	if (request == DRM_IOCTL_PRIME_FD_TO_HANDLE)
		natives[2] = one_in(t, 2) ? (uint32_t)-1 : (uint32_t)t->socks[0];
	memcpy(ours, natives, sizeof(ours));
	before(t);
	ret = shim_ioctl(number, request, pointer ? (void *)16 : ours);
	after(t, ret < 0);
	log_step(t, "bad ioctl %lx on %d: %d, %d", request, number, ret, t->err);
	errno = 0;
	EXPECT(t, ret == -1 && fake_ioctl(number, request, pointer ? (void *)16 : natives) == -1,
	       "it did not fail");
	judge(t, t->err, errno);
	if (fd >= 0)
		doubt(t, t->fds[fd].file);
	EXPECT(t, t->struck || !memcmp(ours, natives, sizeof(ours)), "its argument was changed");
}
