// SPDX-License-Identifier: MIT
/* What a handle may be: a number that comes again, or one of several names of a buffer. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#include "process.h"

static void used_again(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW), *q;
	bool ok = true;

	for (int i = 0; i < 20; i++) {
		const struct subject *now = i & 1 ? &s : &t;
		uint64_t off = 0;
		uint32_t handle;

		close_handle(s.fd, s.handle);
		handle = import(s.fd, &now->e);
		/* Nobody has asked for one since, so that there is none. */
		ok &= handle == s.handle &&
		      map_error(s.fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL;
		ok &= !map_dumb(s.fd, handle, &off);
		q = map_at(s.fd, off, SIZE, RW);
		ok &= right(now, q, 0, PAGES);
		s.off = off;
		munmap(q, SIZE);
	}
	check(ok, "a number used again at once is the new buffer, and the old offset nothing");
	check(right(&s, p, 0, PAGES), "a mapping of the first outlives that");
	munmap(p, SIZE);
	check(over(&t, since) && !privates_left(&s), "and ends");
	subject_free(&s);
	subject_free(&t);
}

static void again(void)
{
	struct subject s = subject_new();
	uint64_t off = 0;

	check(import(s.fd, &s.e) == s.handle && maps(&s, s.fd),
	      "a second import has the same handle and offset");
	check(!close_handle(s.fd, s.handle) && close_handle(s.fd, s.handle) == EINVAL &&
	      map_dumb(s.fd, s.handle, &off) == ENOENT, "of which one close closes both");
	s.handle = import(s.fd, &s.e);
	map_dumb(s.fd, s.handle, &s.off);
	check(maps(&s, s.fd), "imported again it maps again");
	subject_free(&s);
}

static void in_two_files(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	const uint32_t handle = import(t.fd, &s.e);
	uint8_t *p, *q;

	p = map_at(s.fd, s.off, SIZE, PROT_READ);
	q = map(t.fd, handle, SIZE, RW);
	check(handle != s.handle && right(&s, p, 0, PAGES) && right(&s, q, 0, PAGES) &&
	      privates(&s, NULL) == 1,
	      "one dma-buf in two files: both show it, and share one private descriptor");
	subject_free(&t);
	q[5 * PAGE] ^= 0xff;
	check(p[5 * PAGE] == q[5 * PAGE] && maps(&s, s.fd), "one file is closed, the other maps");
	fill(q, SIZE, s.seed);
	munmap(q, SIZE);
	munmap(p, SIZE);
	check(over(&s, since), "both mappings end");
	subject_free(&s);
}

static uint32_t by_name(const struct subject *s)
{
	struct drm_gem_flink flink = { .handle = s->handle };
	struct drm_gem_open open = { 0 };

	if (drmIoctl(s->fd, DRM_IOCTL_GEM_FLINK, &flink) < 0)
		return 0;
	open.name = flink.name;
	return drmIoctl(s->fd, DRM_IOCTL_GEM_OPEN, &open) < 0 ? 0 : open.handle;
}

static uint32_t by_framebuffer(const struct subject *s)
{
	drmModeFB *fb = NULL;
	uint32_t id, handle = 0;

	if (drmModeAddFB(s->fd, PAGE / 4, PAGES, 24, 32, PAGE, s->handle, &id))
		return 0;
	fb = drmModeGetFB(s->fd, id);
	if (fb)
		handle = fb->handle;
	drmModeFreeFB(fb);
	drmModeRmFB(s->fd, id);
	return handle;
}

static const struct {
	const char *name;
	uint32_t (*make)(const struct subject *s);
} aliases[] = {
	{ "FLINK and OPEN", by_name },
	{ "ADDFB and GETFB", by_framebuffer },
};

static void note_view(struct answers *a, const char *step, const struct subject *s, uint64_t off)
{
	uint8_t *p = map_at(s->fd, off, SIZE, RW);

	answer_map(a, step, p);
	if (p == MAP_FAILED)
		return;
	answer(a, step, right(s, p, 0, PAGES));
	munmap(p, SIZE);
}

/* The handle that @order says is closed first, and then the other. Consumes the subject. */
static struct answers alias_story(struct subject s, uint32_t other, int order)
{
	const uint32_t first = order ? other : s.handle, last = order ? s.handle : other;
	struct answers a = { 0 };
	uint64_t off = 0;

	answer(&a, "another number", other && other != s.handle);
	answer(&a, "map ioctl of it", map_dumb(s.fd, other, &off));
	answer(&a, "its offset is the first's", off == s.off);
	note_view(&a, "mmap", &s, off);
	answer(&a, "close", close_handle(s.fd, first));
	note_view(&a, "mmap at the offset when one is closed", &s, s.off);
	answer(&a, "map ioctl of the closed", map_dumb(s.fd, first, &off));
	answer(&a, "map ioctl of the one that is left", map_dumb(s.fd, last, &off));
	answer(&a, "its offset is the same", off == s.off);
	note_view(&a, "mmap of the one that is left", &s, off);
	/* The exporter's view would keep the object, natively. */
	munmap(s.e.view, s.e.size);
	s.e.view = NULL;
	answer(&a, "close of the other", close_handle(s.fd, last));
	note_view(&a, "mmap at the offset when both are closed", &s, s.off);
	answer(&a, "map ioctl when both are closed", map_dumb(s.fd, last, &off));
	subject_free(&s);
	return a;
}

static void alias(const char *name, uint32_t (*make)(const struct subject *s))
{
	for (int order = 0; order < 2; order++) {
		struct subject native = subject_native(), shim = subject_new();
		const uint32_t there = make(&native), here = make(&shim);
		struct answers told, tells;
		char text[96];

		if (!there) {
			printf("# skipped: %s gives no alias by %s: %s\n", importer, name,
			       strerror(errno));
			subject_free(&native);
			subject_free(&shim);
			return;
		}
		told = alias_story(native, there, order);
		tells = alias_story(shim, here, order);
		snprintf(text, sizeof(text), "an alias by %s behaves as one of a native buffer, %s",
			 name, order ? "closed first" : "closed last");
		check(same(&told, &tells), text);
	}
}

void handles(void)
{
	used_again();
	again();
	in_two_files();
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		alias(aliases[i].name, aliases[i].make);
}
