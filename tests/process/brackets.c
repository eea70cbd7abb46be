// SPDX-License-Identifier: MIT
/*
 * Who syncs the CPU's accesses: a client of every driver that the fake kernel plays maps an import
 * and says what programs say, and after each step the number of STARTs and ENDs is exactly so much.
 * An ordinary program, which knows nothing of the shim but for the policy it is told. For
 * brackets.sh.
 *
 *   brackets driver|map|off|trap
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "lib/drivers-client.h"

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static void (*fake_busy)(uint64_t ino, bool busy);
static void (*submits_fail)(int err);
static unsigned long (*bracket_faults)(void);
static void (*hold_waits)(bool hold);
static unsigned long (*waits_held)(void);
static void (*fake_delay)(uint64_t ino, int us);

#define WAIT_AVAILABLE	(1U << 2)	/* DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE */

static bool by_driver, off, trap;
static int fd, dmabuf;
static uint64_t ino;
static uint32_t handle, other;
static unsigned long begins, ends;	/* that there should be */

/* So many more STARTs and ENDs since the last step; with PRIMESHIM_SYNC=driver or trap. */
static void step(int more_begins, int more_ends, const char *what)
{
	unsigned long b, e;
	char text[256];

	if (by_driver) {
		begins += more_begins;
		ends += more_ends;
	}
	fake_brackets(ino, &b, &e);
	snprintf(text, sizeof(text), "%s: %+d START, %+d END", what, more_begins, more_ends);
	if (b != begins || e != ends)
		printf("# %lu, %lu; there should be %lu, %lu\n", b, e, begins, ends);
	check(b == begins && e == ends, text);
	begins = b;
	ends = e;
}

/* The same with map and unmap, which map counts, too. */
static void step_always(int more_begins, int more_ends, const char *what)
{
	if (!by_driver && !off) {
		begins += more_begins;
		ends += more_ends;
	}
	step(more_begins, more_ends, what);
}

static const struct fake_turn *turn(int kind)
{
	for (const struct fake_turn *t = driver->turns; t < driver->turns + FAKE_TURNS; t++)
		if (t->name && t->kind == kind)
			return t;
	return NULL;
}

static int call(const struct fake_turn *t, void *arg)
{
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', t->nr, t->size), arg) ? errno : 0;
}

/* A begin, end or wait for the import. */
static int say(const struct fake_turn *t, bool reads, bool writes, bool nowait)
{
	uint32_t arg[48] = { 0 };
	int ret;

	if (t->selects)
		arg[t->select / 4] = t->selected;
	arg[t->handle / 4] = handle;
	if (t->op) {
		arg[t->op / 4] |= (reads ? t->reads : 0) | (nowait ? t->nowait : 0);
		arg[(t->write_op ? t->write_op : t->op) / 4] |= writes ? t->writes : 0;
	}
	if (t->timeout && !nowait)
		memset((char *)arg + t->timeout, 0x7f, sizeof(uint64_t));
	ret = call(t, arg);
	return !ret && t->status && arg[t->result / 4] ? EBUSY : ret;
}

static bool writing;	/* the list says that they are written */

/* Work on @n handles at @list; @array instead of where they are, if that is given. */
static int submit(const struct fake_turn *t, const uint32_t *list, uint32_t n, uint64_t array)
{
	static uint32_t elements[64];
	static struct {
		uint32_t id, words;
		uint64_t data;
	} chunk;
	static struct {
		uint32_t operation, list, n, size;
		uint64_t array;
	} box;
	static uint64_t chunks[1];
	char arg[192] = { 0 };

	memset(elements, 0, sizeof(elements));
	for (uint32_t i = 0; i < n && !t->fixed; i++) {
		elements[(i * t->stride + t->element) / 4] = list[i];
		if (writing)
			elements[(i * t->stride + t->op) / 4] |= t->writes;
	}
	if (t->fixed)
		memcpy(arg + t->list, list, n * 4);
	if (!array)
		array = (uintptr_t)elements;
	if (t->chunk) {
		box.n = n;
		box.size = t->stride;
		box.array = array;
		chunk.id = t->chunk;
		chunk.words = t->boxed ? 6 : n * t->stride / 4;
		chunk.data = t->boxed ? (uintptr_t)&box : array;
		chunks[0] = (uintptr_t)&chunk;
		array = (uintptr_t)chunks;
		n = !!n;
	}
	if (t->kind == TURN_SUBMIT && !t->fixed) {
		memcpy(arg + t->list, &array, sizeof(array));
		memcpy(arg + t->count, &n, sizeof(n));
	}
	return call(t, arg);
}

/* Whatever there is to make it the CPU's turn again. Does it name the buffer? */
static bool take_back(void)
{
	const struct fake_turn *t = turn(TURN_BEGIN);

	if (!t)
		t = turn(TURN_WAIT);
	if (t) {
		need(!say(t, true, true, false), t->name);
		return true;
	}
	t = turn(TURN_WAIT_ANY);
	if (t) {
		need(!say(t, false, false, false), t->name);
		return false;
	}
	/* A fence: the fake kernel has none, and says yes. */
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
	return false;
}

/*
 * The same of what was only read meanwhile. A wait that names no buffer may come amid what the
 * program writes without a word: so that is ended first.
 */
static void take_back_read(const char *what)
{
	bool named = take_back();

	step(1, !named, what);
}

/* The structure has no padding where a u64 is aligned to 4 bytes: on i386, which has no v3d. */
static bool elsewhere(const struct fake_turn *t)
{
	return _Alignof(struct { uint64_t v; }) < 8 && !strcmp(t->name, "V3D_SUBMIT_CSD");
}

static void submits(const struct fake_turn *t)
{
	bool lists = t->kind == TURN_SUBMIT;

	way_name = t->name;
	if (t->partial) {
		/* As Mesa's panvk does it; GL lists them. */
		need(!submit(t, &other, 1, 0), t->name);
		step(0, 1, "work on another buffer, before this one was ever in a list");
		take_back();
		step(1, 0, "the CPU's turn");
	}
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 1, "work is submitted");
	if (t->writes) {
		need(!submit(t, &handle, 1, 0), t->name);
		step(0, 1, "and more: it may have been written since, and only been read there");
		writing = true;
		need(!submit(t, &handle, 1, 0), t->name);
		step(0, 1, "and more, that writes it");
	}
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 0, "and more");
	writing = false;
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 0, "nor is there an END of what a device may have written");
	take_back();
	step(1, 0, "the CPU's turn again");
	submits_fail(EINTR);
	check(submit(t, &handle, 1, 0) == EINTR, "a submit that fails says so");
	/* What another thread may have written meanwhile is ended, if no device was to write. */
	step(1, t->writes ? 2 : 1, "a submit that fails");
	submits_fail(0);
	if (!lists)
		return;
	need(!submit(t, &other, 1, 0), t->name);
	step(0, 0, "work on another buffer");
	if (t->fixed)
		return;
	need(!submit(t, (uint32_t[]){ other, handle }, 2, 0), t->name);
	step(0, 1, "on both");
	take_back();
	step(1, 0, "the CPU's turn once more");
	check(submit(t, &handle, 1, 8) == EFAULT, "a list that is nowhere is EFAULT");
	step(1, 1, "a list that is nowhere");
	need(!submit(t, &handle, 0, 0), t->name);
	step(0, 1, "no list: whatever was bound before");
	take_back();
	step(1, 0, "the CPU's");
}

static void says(const struct fake_turn *b)
{
	const struct fake_turn *e = turn(TURN_END);
	bool directions = b->writes;

	way_name = b->name;
	need(!say(b, true, true, false), b->name);
	step(0, 0, "a begin of what has begun");
	if (directions) {
		need(!say(b, true, false, false), b->name);
		step(1, 1, "of reading alone");
		need(!say(b, true, false, false), b->name);
		step(0, 0, "again");
		need(!say(b, true, true, false), b->name);
		step(1, 1, "of writing");
	}
	if (e) {
		way_name = e->name;
		need(!say(e, false, false, false), e->name);
		step(0, 1, "an end");
		need(!say(e, false, false, false), e->name);
		step(0, 0, "a second one");
		if (b->nowait) {
			fake_busy(ino, true);
			check(say(b, true, true, true) == EBUSY, "asked without waiting");
			step(0, 0, "busy");
			fake_busy(ino, false);
			/* Mesa's freedreno then goes on without another call. */
			check(!say(b, true, true, true), "asked again");
			step(1, 0, "idle");
			check(!say(b, true, true, true), "once more");
			step(0, 0, "idle still");
		}
		need(!say(b, true, true, false), b->name);
		step(!b->nowait, 0, "a begin");
	}
}

/* Is the buffer idle? */
static void questions(const struct fake_turn *w)
{
	way_name = w->name;
	need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }), "DIRTYFB");
	step(0, 1, "shown");
	fake_busy(ino, true);
	check(say(w, true, true, true) == EBUSY, "a question");
	step(0, 0, "busy");
	fake_busy(ino, false);
	check(!say(w, true, true, true), "a question again");
	step(1, 1, "idle, amid what may be written without a word");
}

/* Waits that prove nothing, and those that do, of work without a list. */
static void waits(const struct fake_turn *t)
{
	int pipe_fds[2];
	struct pollfd p;

	way_name = t->name;
	/* What was submitted before is over. */
	for (int i = 0; i < 100; i++)
		need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }),
		     "SYNCOBJ_WAIT");
	fake_brackets(ino, &begins, &ends);
	need(!submit(t, &other, 1, 0) && !submit(t, &handle, 1, 0), t->name);
	step(0, 1, "work without a list is submitted, twice");
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT,
		    &(struct drm_syncobj_timeline_wait){ .flags = WAIT_AVAILABLE }),
	     "TIMELINE_WAIT");
	step(0, 0, "a wait until it is submitted");
	need(!pipe(pipe_fds) && write(pipe_fds[1], "", 1) == 1, "a pipe");
	p = (struct pollfd){ .fd = pipe_fds[0], .events = POLLIN };
	need(poll(&p, 1, 0) == 1, "poll");
	step(1, 0, "a pipe is polled, which may be all there is to tell of it");
	need(poll(&p, 1, 0) == 1, "poll");
	step(0, 0, "once more");
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
	step(1, 1, "a wait for a fence, which the pipe was none for");
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &(struct drm_syncobj_timeline_wait){ 0 }),
	     "TIMELINE_WAIT");
	step(1, 1, "and another, which may be what it was submitted for");
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
	step(0, 0, "and one more, for which there is no work");
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 1, "submitted again");
	take_back();
	step(1, 0, "the CPU's turn again");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* Work without a list is a file's, and may be on all that is mapped of it. */
static void scoped(const struct fake_turn *t)
{
	int elsewhere = card(driver), was = fd;
	uint32_t there;

	way_name = t->name;
	need(!import(elsewhere, new_dmabuf(SIZE, FILL, true), &there), "import");
	fd = elsewhere;
	need(!submit(t, &there, 1, 0), t->name);
	step(0, 0, "work of another file");
	fd = was;
	close(elsewhere);
}

/* Another thread waits for work that has yet to be submitted, as of Mesa's v3dv. */
static void *wait_long(void *arg)
{
	struct drm_syncobj_wait w = { 0 };

	(void)arg;
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &w), "SYNCOBJ_WAIT");
	return NULL;
}

static void threaded(const struct fake_turn *t)
{
	pthread_t id;

	way_name = t->name;
	hold_waits(true);
	need(!pthread_create(&id, NULL, wait_long, NULL), "a thread");
	while (!waits_held())
		usleep(1000);
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 1, "another thread waits already, and work is submitted");
	hold_waits(false);
	pthread_join(id, NULL);
	step(1, !!t->writes, "the wait is over");
}

/*
 * A wait ends while another thread's START is under way. The kernel may have made that START before
 * the device was done, so one more follows.
 */
static void overtaken(const struct fake_turn *t)
{
	unsigned long made, before, e;
	pthread_t id;

	way_name = t->name;
	need(!submit(t, &handle, 1, 0), t->name);
	step(0, 1, "work without a list is submitted");
	fake_brackets(ino, &before, &e);
	/* The START is made, and its call goes on. */
	fake_delay(ino, 100000);
	need(!pthread_create(&id, NULL, wait_long, NULL), "a thread");
	do {
		usleep(1000);
		fake_brackets(ino, &made, &e);
	} while (made == before);
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
	pthread_join(id, NULL);
	fake_delay(ino, 0);
	step(2, 1, "a wait ends amid another thread's START");
}

/* Begun before it is mapped. */
static void early(const struct fake_turn *b)
{
	uint8_t *p;

	way_name = b->name;
	need(!say(b, true, true, false), b->name);
	step(0, 0, "a begin before the map");
	need(!map(fd, ways(driver), handle, 0, SIZE, &p), "map");
	step_always(1, 0, "the map");
	unmap(p, SIZE);
	step_always(0, 1, "the unmap");
}

/* By names that not every libc has; the shim has them all. */
static void odd_wait(int which, int ep, struct pollfd *fds, fd_set *set)
{
	static const char *const names[] = { "epoll_pwait2", "__poll", "__select" };
	union {
		void *symbol;
		int (*epoll)(int ep, struct epoll_event *e, int n, const struct timespec *timeout,
			     const sigset_t *mask);
		int (*poll)(struct pollfd *fds, nfds_t n, int timeout_ms);
		int (*select)(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *timeout);
	} f = { dlsym(RTLD_DEFAULT, names[which]) };
	int n = 0;

	need(f.symbol, names[which]);
	if (which == 0)
		n = f.epoll(ep, &(struct epoll_event){ 0 }, 1, &(struct timespec){ 0 }, NULL);
	else if (which == 1)
		n = f.poll(fds, 2, 0);
	else
		n = f.select(fds[0].fd + 1, set, NULL, NULL, &(struct timeval){ 0 });
	/* Kernels before 5.11, and QEMU's user mode, have no epoll_pwait2. */
	if (n < 0 && errno == ENOSYS)
		n = epoll_wait(ep, &(struct epoll_event){ 0 }, 1, 0);
	need(n > 0, names[which]);
}

/* A call with the handle of a cursor's picture. Returns 0 or errno. */
static int cursor(uint32_t flags, uint32_t crtc, uint32_t picture)
{
	struct drm_mode_cursor c = { .flags = flags, .crtc_id = crtc, .handle = picture };

	return ioctl(fd, DRM_IOCTL_MODE_CURSOR, &c) ? errno : 0;
}

/* The display copies the picture in that call, or reads it from then on. */
static void pointed(void)
{
	struct drm_mode_cursor2 two = { .flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
					.crtc_id = 1, .handle = handle };

	way_name = "MODE_CURSOR";
	need(!cursor(DRM_MODE_CURSOR_MOVE, 1, handle), "a move");
	step(0, 0, "the cursor moves, and the handle is not looked at");
	need(!cursor(DRM_MODE_CURSOR_BO, 1, other) && !cursor(DRM_MODE_CURSOR_BO, 1, 0), "cursors");
	step(0, 0, "another cursor, and none");
	need(!cursor(DRM_MODE_CURSOR_BO, 1, handle), "a cursor");
	step(0, 1, "the cursor's picture");
	need(!ioctl(fd, DRM_IOCTL_MODE_PAGE_FLIP, &(struct drm_mode_crtc_page_flip){ 0 }), "flip");
	step(0, 0, "a flip, which does not name it");
	way_name = "MODE_CURSOR2";
	need(!ioctl(fd, DRM_IOCTL_MODE_CURSOR2, &two), "a cursor");
	step(0, 1, "and again, as it may have been written without a word");
	take_back_read("the CPU's turn again");
	check(cursor(DRM_MODE_CURSOR_BO, 0, handle) == ENOENT, "a display that is not there");
	/* What another thread may have written meanwhile is ended. */
	step(1, 2, "a cursor that is refused");
}

static void shown(void)
{
	bool named;
	struct drm_mode_fb_cmd fb = { .handle = handle };

	way_name = "scanout";
	need(!ioctl(fd, DRM_IOCTL_MODE_PAGE_FLIP, &(struct drm_mode_crtc_page_flip){ 0 }), "flip");
	step(0, 0, "a flip to a frame buffer of others");
	need(!ioctl(fd, DRM_IOCTL_MODE_ADDFB, &fb), "ADDFB");
	step(0, 0, "a frame buffer is made");
	need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }), "DIRTYFB");
	step(0, 1, "and shown");
	take_back_read("the CPU's turn again");
	/* poll() of the dma-buf itself: a wait for it, as a driver's. */
	need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }), "DIRTYFB");
	step(0, 1, "shown again");
	need(poll(&(struct pollfd){ .fd = dmabuf, .events = POLLIN }, 1, 0) == 1, "poll");
	step(1, 0, "waited for with poll()");
	for (int how = 0; how < 8; how++) {
		struct pollfd fds[2] = { { .fd = -1 }, { .fd = dmabuf, .events = POLLIN } };
		int ep = epoll_create1(0), ready[2];
		fd_set set;

		need(!pipe(ready) && write(ready[1], "", 1) == 1 &&
			     !epoll_ctl(ep, EPOLL_CTL_ADD, ready[0],
					&(struct epoll_event){ EPOLLIN, { 0 } }),
		     "epoll");
		fds[0].fd = ready[0];
		fds[0].events = POLLIN;
		FD_ZERO(&set);
		FD_SET(ready[0], &set);
		need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }),
		     "DIRTYFB");
		step(0, 1, "shown");
		need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }),
		     "DIRTYFB");
		step(0, 1, "and again, as it may have been written without a word");
		if (how == 0)
			need(poll(fds, 2, 0) > 0, "poll");
		else if (how == 1)
			need(select(ready[0] + 1, &set, NULL, NULL, &(struct timeval){ 0 }) == 1,
			     "select");
		else if (how == 2)
			need(pselect(ready[0] + 1, &set, NULL, NULL, &(struct timespec){ 0 },
				     NULL) == 1,
			     "pselect");
		else if (how == 3)
			need(epoll_wait(ep, &(struct epoll_event){ 0 }, 1, 0) == 1, "epoll_wait");
		else if (how == 4)
			need(epoll_pwait(ep, &(struct epoll_event){ 0 }, 1, 0, NULL) == 1,
			     "epoll_pwait");
		else
			odd_wait(how - 5, ep, fds, &set);
		/* poll() says of the dma-buf itself that it is ready. */
		step(1, how != 0 && how != 6, "waited for by poll() of two, select(), epoll");
		close(ready[0]);
		close(ready[1]);
		close(ep);
	}
	way_name = "PRIME_HANDLE_TO_FD";
	if (!driver->no_reexport) {
		close(export(fd, handle, DRM_RDWR));
		step(0, 1, "exported");
		/* Another process may write it now, so there is no END for what this one writes. */
		named = take_back();
		step(named || trap, !named && trap,
		     "the CPU's turn, if that wait is for this buffer, or it was PROT_NONE");
	}
}

/* The map ioctl is asked of what is mapped, as before each use by Mesa's kms_swrast. */
static void asked(void)
{
	struct drm_mode_map_dumb m = { .handle = handle };
	int ret;

	way_name = "MODE_MAP_DUMB";
	need(!ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }), "DIRTYFB");
	step(0, 1, "shown once more");
	ret = ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m);
	step(!ret, 0, "asked of what is mapped: the CPU's turn");
	if (ret)
		take_back_read("the CPU's turn");
	need(!ret == !ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m), "the same");
	step(0, 0, "asked again: what has been written since is not undone");
}

/* An import, mapped, through a whole story. */
static void story(void)
{
	int foreign = new_dmabuf(SIZE, FILL, true);
	uint8_t *p, *q;
	struct stat st;

	fd = card(driver);
	dmabuf = new_dmabuf(SIZE, FILL, true);
	if (import(fd, dmabuf, &handle) || import(fd, foreign, &other))
		goto out;
	fstat(dmabuf, &st);
	ino = st.st_ino;
	begins = ends = 0;
	way_name = "";
	if (turn(TURN_BEGIN))
		early(turn(TURN_BEGIN));
	way_name = "";
	need(!map(fd, ways(driver), handle, 0, SIZE, &p), "map");
	step_always(1, 0, "mapped");
	need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
	step_always(0, 0, "mapped twice");
	for (const struct fake_turn *t = driver->turns; t < driver->turns + FAKE_TURNS; t++)
		if (t->name && (t->kind == TURN_SUBMIT || t->kind == TURN_SUBMIT_ANY) &&
		    !elsewhere(t))
			submits(t);
	for (const struct fake_turn *t = driver->turns; t < driver->turns + FAKE_TURNS && by_driver;
	     t++) {
		if (!t->name || (t->kind != TURN_SUBMIT && t->kind != TURN_SUBMIT_ANY) ||
		    elsewhere(t))
			continue;
		threaded(t);
		if (t->kind == TURN_SUBMIT_ANY) {
			overtaken(t);
			waits(t);
			scoped(t);
		}
	}
	if (turn(TURN_BEGIN))
		says(turn(TURN_BEGIN));
	pointed();
	shown();
	asked();
	for (const struct fake_turn *t = driver->turns; t < driver->turns + FAKE_TURNS && t->name;
	     t++)
		if (t->kind == TURN_ASK || t->timeout || (t->kind == TURN_WAIT && t->nowait))
			questions(t);
	way_name = "";
	unmap(q, SIZE);
	step_always(0, 0, "one mapping is unmapped");
	close_handle(fd, handle);
	step_always(0, 0, "the handle is closed");
	unmap(p, SIZE);
	step_always(0, 1, "the other one is unmapped");

	fake_busy(ino, true);
	need(!import(fd, dmabuf, &handle), "import");
	/* With a trap its pages cannot be read by a system call until it is begun. */
	need(map(fd, ways(driver), handle, 0, SIZE, &p) == (trap ? -SIGBUS : 0), "map");
	step_always(0, 0, "mapped while it is busy");
	fake_busy(ino, false);
	take_back();
	step(1, 0, "and idle");
	unmap(p, SIZE);
	step(0, 1, "unmapped");
	need(!map(fd, ways(driver), handle, 0, SIZE, &p), "map");
	step_always(1, 0, "mapped to the end");
	if (!fork())
		exit(0);
	wait(NULL);
	step_always(0, 0, "a child came and went");
	unmap(p, SIZE);
	step_always(0, 1, "the end");
	check(!bracket_faults(), "no START in an open bracket, no END of none or of another");
out:
	close(foreign);
	close(dmabuf);
	close(fd);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);	/* a child has none of it then */
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	device_maps = dlsym(RTLD_DEFAULT, "fake_device_maps");
	fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	fake_busy = dlsym(RTLD_DEFAULT, "fake_busy");
	submits_fail = dlsym(RTLD_DEFAULT, "fake_submits_fail");
	bracket_faults = dlsym(RTLD_DEFAULT, "fake_bracket_faults");
	mode = argc > 1 ? argv[1] : "";
	trap = !strcmp(mode, "trap");
	by_driver = trap || !strcmp(mode, "driver");
	off = !strcmp(mode, "off");
	hold_waits = dlsym(RTLD_DEFAULT, "fake_hold_waits");
	waits_held = dlsym(RTLD_DEFAULT, "fake_waits_held");
	fake_delay = dlsym(RTLD_DEFAULT, "fake_delay");
	need(hold_waits && waits_held, "the fake kernel's waits");
	need(new_dmabuf && fake_brackets && fake_busy && submits_fail && bracket_faults,
	     "the fake kernel");
	for (driver = fake_drivers; driver < fake_drivers + FAKE_DRIVERS; driver++) {
		/* Not redirected, and so not bracketed. */
		if (!driver->keeps_address && !driver->no_reexport)
			story();
	}
	return broken;
}
