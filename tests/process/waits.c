// SPDX-License-Identifier: MIT
/*
 * What a wait may begin, and what it may not. The CPU has a copy of each byte here, and the device
 * has one; a START and an END move them as swiotlb does. An ordinary program's calls, over the fake
 * kernel. For brackets.sh.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "lib/drivers-client.h"
#include "process/waits.h"

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
void (*fake_busy)(uint64_t ino, bool busy);
static void (*fake_on_sync)(void (*hook)(uint64_t ino, uint64_t flags));
static void (*submits_fail)(int err);
void (*hold_submits)(bool hold);
unsigned int (*submits_held)(void);
void (*let_submit)(int err);
void (*fake_reach)(uint64_t point);
static unsigned long (*polls)(void);
static unsigned long (*waited_ms)(void);
static void (*fake_delay)(uint64_t ino, int us);
#define FENCE	(-1)	/* FAKE_FENCE: poll() finds it busy, a START waits, the device does not */

int fd;
static int dmabuf;
uint64_t ino;
static uint32_t handle;
volatile uint8_t *p;		/* the CPU's copy */
uint8_t device[SIZE];		/* the device's */

static void moved(uint64_t which, uint64_t flags)
{
	if (which != ino)
		return;
	if (!(flags & DMA_BUF_SYNC_END))
		memcpy((void *)p, device, SIZE);
	else if (flags & DMA_BUF_SYNC_WRITE)
		memcpy(device, (void *)p, SIZE);
}

/* An import of @dmabuf_fd into a device of that driver, mapped. */
void import_into(const char *name, int dmabuf_fd)
{
	struct stat st;
	uint8_t *q;

	way_name = "";
	driver = named(name);
	fd = card(driver);
	dmabuf = dmabuf_fd;
	need(!fstat(dmabuf, &st) && !import(fd, dmabuf, &handle), "import");
	need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
	p = q;
	ino = st.st_ino;
	memcpy(device, q, SIZE);
}

void leave(void)
{
	ino = 0;
	munmap((void *)p, SIZE);
	close_handle(fd, handle);
	close(dmabuf);
	close(fd);
}

static const struct fake_turn *way_to_submit(void)
{
	const struct fake_turn *list = NULL;

	for (const struct fake_turn *t = driver->turns; t < driver->turns + FAKE_TURNS; t++) {
		if (t->name && t->kind == TURN_SUBMIT_ANY)
			return t;
		if (t->name && t->kind == TURN_SUBMIT)
			list = t;
	}
	need(list, "a way to submit");
	return list;
}

/* Work without a list, or with an empty one. */
int submit(void)
{
	const struct fake_turn *t = way_to_submit();
	char arg[192] = { 0 };

	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', t->nr, t->size), arg) ? errno : 0;
}

void wait_for_fence(void)
{
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
}

unsigned long begun(void)
{
	unsigned long begins, ends;

	fake_brackets(ino, &begins, &ends);
	return begins;
}

static void show(void)
{
	need(!ioctl(fd, DRM_IOCTL_MODE_ADDFB, &(struct drm_mode_fb_cmd){ .handle = handle }) &&
		     !ioctl(fd, DRM_IOCTL_MODE_DIRTYFB, &(struct drm_mode_fb_dirty_cmd){ 0 }),
	     "a frame");
}

/* The program waits for these, and no device signals them. */
static struct {
	int ready[2], ep, event;
} other;

void by_poll(void)
{
	struct pollfd one = { .fd = other.ready[0], .events = POLLIN };

	need(poll(&one, 1, 0) == 1, "poll");
}

static void by_poll_of_an_eventfd(void)
{
	struct pollfd one = { .fd = other.event, .events = POLLIN };

	need(poll(&one, 1, 0) == 1, "poll");
}

static void by_poll_of_two(void)
{
	struct pollfd two[2] = { { .fd = other.ready[0], .events = POLLIN },
				 { .fd = other.event, .events = POLLIN } };

	need(poll(two, 2, 0) == 2, "poll");
}

static void by_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(other.ready[0], &set);
	need(select(other.ready[0] + 1, &set, NULL, NULL, NULL) == 1, "select");
}

static void by_epoll(void)
{
	struct epoll_event e;

	need(epoll_wait(other.ep, &e, 1, 0) == 1, "epoll_wait");
}

static void by_the_dmabuf(void)
{
	struct pollfd one = { .fd = dmabuf, .events = POLLIN };

	need(poll(&one, 1, 0) == 1, "poll");
}

static void by_a_submit_that_fails(void)
{
	submits_fail(EINTR);
	need(submit() == EINTR, "a submit that fails");
	submits_fail(0);
}

static void by_another_map(void)
{
	uint8_t *q;

	need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
	munmap(q, SIZE);
}

static const struct {
	const char *name;
	void (*happens)(void);
	bool wait;
} amid[] = {
	{ "poll()", by_poll, true },
	{ "poll() of an eventfd", by_poll_of_an_eventfd, true },
	{ "poll() of two", by_poll_of_two, true },
	{ "select()", by_select, true },
	{ "epoll", by_epoll, true },
	{ "poll() of the dma-buf", by_the_dmabuf, false },
	{ "a submit that fails", by_a_submit_that_fails, false },
	{ "another map", by_another_map, false },
};

/*
 * The kernel does not tell of these devices' work. What comes before the program's own wait for it
 * is no reason to read early: the wait would have nothing left to begin.
 */
static void hidden(const char *name)
{
	char text[160];

	for (size_t i = 0; i < sizeof(amid) / sizeof(*amid); i++) {
		import_into(name, new_dmabuf(SIZE, FILL, true));
		p[0] = 1;
		need(!submit(), "a submit");
		check(device[0] == 1, "the device has what was written before the submit");
		amid[i].happens();
		memset(device, 7, SIZE);
		wait_for_fence();
		snprintf(text, sizeof(text), "%s before the wait: what the device wrote is read",
			 amid[i].name);
		check(p[0] == 7 && device[0] == 7, text);
		leave();
	}
}

/* Ways to learn that hidden work is over, but for a fence of the file that has submitted it. */
static void over(const char *name)
{
	char text[160];
	int elsewhere;
	pid_t child;

	for (size_t i = 0; i < sizeof(amid) / sizeof(*amid); i++) {
		if (amid[i].happens == by_a_submit_that_fails)
			continue;
		import_into(name, new_dmabuf(SIZE, FILL, true));
		need(!submit(), "a submit");
		memset(device, 7, SIZE);
		amid[i].happens();
		snprintf(text, sizeof(text), "%s alone: what the device wrote is read",
			 amid[i].name);
		check(p[0] == 7, text);
		leave();
	}
	import_into(name, new_dmabuf(SIZE, FILL, true));
	need(!submit(), "a submit");
	memset(device, 7, SIZE);
	elsewhere = card(driver);
	need(!ioctl(elsewhere, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "wait");
	check(p[0] == 7, "a wait by another file of the device: what the device wrote is read");
	close(elsewhere);
	need(!submit(), "a submit");
	close_handle(fd, handle);
	memset(device, 8, SIZE);
	wait_for_fence();
	check(p[0] == 8, "the handle is closed, and a wait: what the device wrote is read");
	leave();
	/* In a child nothing is known of the parent's work. */
	import_into(name, new_dmabuf(SIZE, FILL, true));
	need(!submit(), "a submit");
	child = fork();
	if (!child) {
		memset(device, 7, SIZE);
		by_poll();
		_exit(p[0] != 7);
	}
	waitpid(child, &elsewhere, 0);
	check(!elsewhere, "a child polls: what the device wrote is read");
	leave();
}

/* Many jobs under way, and a wait for each. */
static void many(const char *name)
{
	enum { JOBS = 100 };

	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int i = 0; i < JOBS; i++)
		need(!submit(), "a submit");
	for (int i = 0; i < JOBS; i++)
		wait_for_fence();
	check(begun() == JOBS + 1, "100 jobs, each waited for: each wait begins");
	leave();
}

/* A program that polls a sync_file has waited for a device. Here a file stands for it. */
static void by_a_sync_file(const char *name)
{
	int fence = memfd_create("fence", 0);
	struct pollfd one = { .fd = fence, .events = POLLIN };

	import_into(name, new_dmabuf(SIZE, FILL, true));
	need(!submit(), "a submit");
	memset(device, 7, SIZE);
	need(poll(&one, 1, 0) == 1, "poll");
	check(p[0] == 7, "a sync_file is polled: what the device wrote is read");
	leave();
	close(fence);
}

/*
 * A sync_file among other descriptors, of which one was ready before. @n descriptors end where
 * their memory ends.
 */
static void among_others(const char *name, int n)
{
	enum { ROOM = 4 * PAGE };
	uint8_t *room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	struct pollfd *all = (struct pollfd *)(room + ROOM) - n;
	int fence = memfd_create("fence", 0);
	char text[160];

	need(room != MAP_FAILED && fence >= 0 && !mprotect(room + ROOM, PAGE, PROT_NONE), "room");
	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int last = 0; last < 2; last++) {
		for (int i = 0; i < n; i++)
			all[i] = (struct pollfd){ .fd = -1 };
		all[n / 2] = (struct pollfd){ .fd = other.ready[0], .events = POLLIN };
		all[last ? n - 1 : 0] = (struct pollfd){ .fd = fence, .events = POLLIN };
		need(!submit(), "a submit");
		by_poll();
		memset(device, 7 + last, SIZE);
		need(poll(all, n, 0) == 2, "poll");
		snprintf(text, sizeof(text), "%s of %d is a sync_file: its bytes are read",
			 last ? "the last" : "the first", n);
		check(p[0] == 7 + last, text);
	}
	leave();
	close(fence);
	munmap(room, ROOM + PAGE);
}

static void by_timeline(void)
{
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &(struct drm_syncobj_timeline_wait){ 0 }),
	     "TIMELINE_WAIT");
}

static void *submits(void *unused)
{
	(void)unused;
	need(!submit(), "a submit");
	return NULL;
}

/*
 * Turns on one mapping that stays, as a Vulkan driver takes them: what is bound is in no list,
 * another thread submits, and the wait is one of several kinds. Something else is polled meanwhile.
 * As many brackets as turns, or twice as many where the kernel hides the work.
 */
static void vulkan(const char *name)
{
	enum { TURNS = 200 };
	int fence = memfd_create("fence", 0), to_device = 0, to_cpu = 0;
	struct pollfd one = { .fd = fence, .events = POLLIN };
	unsigned long before;

	import_into(name, new_dmabuf(SIZE, FILL, true));
	before = begun();
	fake_reach(0);
	for (int i = 0; i < TURNS; i++) {
		pthread_t id;

		p[0] = i;
		need(!pthread_create(&id, NULL, submits, NULL), "a thread");
		pthread_join(id, NULL);
		fake_busy(ino, !driver->hides);
		need(!timeline_reaches(i + 1, 0), "the timeline is not so far");
		amid[i % 5].happens();
		to_device += device[0] == (uint8_t)i;
		device[1] = ~i;
		fake_busy(ino, false);
		fake_reach(i + 1);
		if (i % 4 == 0)
			wait_for_fence();
		else if (i % 4 == 1)
			by_timeline();
		else if (i % 4 == 2)
			need(timeline_reaches(i + 1, 0), "the timeline is so far");
		else
			need(poll(&one, 1, 0) == 1, "poll");
		to_cpu += p[1] == (uint8_t)~i;
	}
	check(to_device == TURNS && to_cpu == TURNS,
	      "200 turns with Vulkan's calls: each byte arrives, both ways");
	printf("# %lu brackets\n", begun() - before);
	/* What is polled meanwhile begins early what the kernel hides. */
	check(begun() - before == (driver->hides ? 2 : 1) * TURNS, "brackets");
	leave();
	close(fence);
}

/* Work on the import, by etnaviv's list. */
int submit_list(bool writes)
{
	struct {
		uint32_t flags, handle;
		uint64_t presumed;
	} element = { writes ? 2 : 1, handle, 0 };
	uint64_t at = (uintptr_t)&element;
	uint32_t count = 1;
	char arg[72] = { 0 };

	memcpy(arg + 12, &count, sizeof(count));
	memcpy(arg + 24, &at, sizeof(at));
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x46, sizeof(arg)), arg) ? errno : 0;
}

/* Work on the import in another file of another driver, meanwhile, with a list. */
static void two_devices(void)
{
	const struct fake_driver *hides = named("xe");
	int gl, xe = card(hides);
	uint32_t in_gl, in_xe;

	import_into("etnaviv", new_dmabuf(SIZE, FILL, true));
	gl = fd;
	in_gl = handle;
	need(!import(xe, dmabuf, &in_xe), "import");
	p[0] = 1;
	fd = xe;
	driver = hides;
	need(!submit(), "a submit");
	fd = gl;
	need(!submit_list(false), "a submit");
	by_poll();
	memset(device, 7, SIZE);
	fd = xe;
	wait_for_fence();
	check(p[0] == 7 && device[0] == 7,
	      "hidden work, and other work with a list: what the first wrote is read");
	close(xe);
	fd = gl;
	handle = in_gl;
	leave();
}

/*
 * GL and Vulkan in one process, on panfrost. GL lists what it uses. Vulkan lists memory of its own
 * alone, whatever GL has listed.
 */
static void gl_and_vulkan(void)
{
	uint32_t list[1] = { 0 }, count = 1, of_vulkan = 0, other_one = 0;
	int vulkan_fd, unrelated = new_dmabuf(SIZE, FILL, true);
	uint64_t at = (uintptr_t)list;
	char arg[40] = { 0 };

	import_into("panfrost", new_dmabuf(SIZE, FILL, true));
	vulkan_fd = card(driver);
	need(!import(vulkan_fd, dmabuf, &of_vulkan) && !import(vulkan_fd, unrelated, &other_one),
	     "import");
	memcpy(arg + 24, &at, sizeof(at));
	memcpy(arg + 32, &count, sizeof(count));
	list[0] = handle;
	need(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x40, sizeof(arg)), arg),
	     "GL's work");
	wait_for_fence();
	p[0] = 5;
	list[0] = other_one;
	need(!ioctl(vulkan_fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x40, sizeof(arg)), arg),
	     "Vulkan's work");
	check(device[0] == 5,
	      "Vulkan's list lacks what GL has listed: the device has it all the same");
	close(vulkan_fd);
	close(unrelated);
	leave();
}

/* A map of what has begun leaves the doubt whether it began too early. */
static void mapped_in_doubt(void)
{
	unsigned long before;

	import_into("nouveau", new_dmabuf(SIZE, FILL, true));
	need(!submit() && !submit(), "two submits");
	wait_for_fence();
	by_another_map();
	before = begun();
	wait_for_fence();
	check(begun() == before + 1, "two submits, a wait, a map: the second wait begins again");
	leave();
}

/* A program that waits by sync_files alone: its submits are waited for at some time. */
static void settles_by_polls(const char *name)
{
	int fence = memfd_create("fence", 0);
	struct pollfd one = { .fd = fence, .events = POLLIN };
	unsigned long before;

	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int i = 0; i < 3; i++)
		need(!submit(), "a submit");
	for (int i = 0; i < 3; i++)
		need(poll(&one, 1, 0) == 1, "poll");
	before = begun();
	for (int i = 0; i < 100; i++)
		need(poll(&one, 1, 0) == 1, "poll");
	check(begun() == before, "as many polls of sync_files as submits: more begin nothing");
	leave();
	close(fence);
}

/* What a wait for something else costs while many buffers are busy. */
static void many_busy(void)
{
	enum { BUSY = 100 };
	unsigned long before;
	int bufs[BUSY];
	struct stat st;

	driver = named("vgem");
	fd = card(driver);
	for (int i = 0; i < BUSY; i++) {
		uint8_t *q;

		bufs[i] = new_dmabuf(SIZE, FILL, true);
		need(!fstat(bufs[i], &st) && !import(fd, bufs[i], &handle) &&
			     !map(fd, ways(driver), handle, 0, SIZE, &q),
		     "an import");
		show();
		fake_busy(st.st_ino, true);
	}
	before = polls();
	by_epoll();
	printf("# %lu calls of poll()\n", polls() - before);
	check(polls() - before <= 4, "100 buffers are busy: a wait asks of 64 at once");
	for (int i = 0; i < BUSY; i++) {
		fstat(bufs[i], &st);
		fake_busy(st.st_ino, false);
		close(bufs[i]);
	}
	close(fd);
}

/* A wait for something else does not undo what the program writes without a word. */
static void silent(const char *name, const char *exporter)
{
	char text[160];

	for (size_t i = 0; i < sizeof(amid) / sizeof(*amid) && amid[i].wait; i++) {
		int there = new_dmabuf(SIZE, FILL, true), was;

		if (exporter) {
			driver = named(exporter);
			was = card(driver);
			close(there);
			there = export(was, create(was), DRM_RDWR);
			close(was);
		}
		import_into(name, there);
		if (exporter)
			show();
		else
			close(export(fd, handle, DRM_RDWR));
		p[0] = 9;
		amid[i].happens();
		/* An END that counts is for the START that the fence gives. */
		if (!exporter)
			wait_for_fence();
		snprintf(text, sizeof(text), "%s, and %s: what was written without a word stays",
			 exporter ? "shown" : "exported", amid[i].name);
		check(p[0] == 9, text);
		leave();
	}
}

/* More submits than waits: one wait may be for several. */
static void settles(const char *name)
{
	unsigned long before;

	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int i = 0; i < 2000; i++)
		need(!submit(), "a submit");
	for (int i = 0; i < 1100; i++)
		wait_for_fence();
	before = begun();
	for (int i = 0; i < 100; i++)
		wait_for_fence();
	check(begun() == before,
	      "2000 submits and 1100 waits later a wait begins nothing any more");
	for (int i = 0; i < 100; i++)
		by_a_submit_that_fails();
	wait_for_fence();
	before = begun();
	for (int i = 0; i < 10; i++)
		wait_for_fence();
	check(begun() == before, "nor after submits that have failed");
	leave();
}

/* Of a device that hangs the program may map one buffer after the other. */
static void hangs(void)
{
	unsigned long before = waited_ms(), ms;

	driver = named("vgem");
	fd = card(driver);
	for (int i = 0; i < 10; i++) {
		struct stat st;
		uint8_t *q;

		dmabuf = new_dmabuf(SIZE, FILL, true);
		need(!fstat(dmabuf, &st) && !import(fd, dmabuf, &handle), "import");
		fake_busy(st.st_ino, true);
		need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
		munmap(q, SIZE);
		close_handle(fd, handle);
		close(dmabuf);
	}
	ms = waited_ms() - before;
	printf("# %lu ms\n", ms);
	check(ms >= 1000 && ms <= 5000,
	      "ten maps whose fences never come wait five seconds at most in all, not ten");
	close(fd);
}

static atomic_bool returned, late;

/* Signals the fence when the begin has returned, or after five seconds. */
static void *signals_later(void *arg)
{
	(void)arg;
	for (int i = 0; i < 500 && !returned; i++)
		usleep(10000);
	late = !returned;
	fake_delay(ino, 0);
	return NULL;
}

/* The driver's begin waits for nobody, so the program need not wait either. */
static void begins_at_once(void)
{
	uint32_t arg[2] = { 0, 3 };	/* for reading and writing */
	pthread_t id;

	import_into("omapdrm", new_dmabuf(SIZE, FILL, true));
	arg[0] = handle;
	show();
	memset(device, 7, SIZE);
	fake_delay(ino, FENCE);
	need(!pthread_create(&id, NULL, signals_later, NULL), "a thread");
	need(!ioctl(fd, _IOC(_IOC_WRITE, 'd', 0x44, sizeof(arg)), arg), "OMAP_GEM_CPU_PREP");
	returned = true;
	pthread_join(id, NULL);
	check(!late, "a driver's begin that does not wait: nor does the program");
	by_the_dmabuf();
	check(p[0] == 7, "the fence comes, and a wait: what the device wrote is read");
	leave();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	mode = "waits";
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	device_maps = dlsym(RTLD_DEFAULT, "fake_device_maps");
	fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	fake_busy = dlsym(RTLD_DEFAULT, "fake_busy");
	fake_on_sync = dlsym(RTLD_DEFAULT, "fake_on_sync");
	submits_fail = dlsym(RTLD_DEFAULT, "fake_submits_fail");
	hold_submits = dlsym(RTLD_DEFAULT, "fake_hold_submits");
	submits_held = dlsym(RTLD_DEFAULT, "fake_submits_held");
	let_submit = dlsym(RTLD_DEFAULT, "fake_let_submit");
	fake_reach = dlsym(RTLD_DEFAULT, "fake_reach");
	polls = dlsym(RTLD_DEFAULT, "fake_polls");
	waited_ms = dlsym(RTLD_DEFAULT, "fake_waited_ms");
	fake_delay = dlsym(RTLD_DEFAULT, "fake_delay");
	need(new_dmabuf && fake_brackets && fake_busy && fake_on_sync && submits_fail &&
		     hold_submits && submits_held && let_submit && fake_reach && polls &&
		     waited_ms && fake_delay,
	     "the fake kernel");
	fake_on_sync(moved);
	other.ep = epoll_create1(0);
	other.event = eventfd(1, 0);
	need(!pipe(other.ready) && write(other.ready[1], "", 1) == 1 &&
		     !epoll_ctl(other.ep, EPOLL_CTL_ADD, other.ready[0],
				&(struct epoll_event){ EPOLLIN, { 0 } }),
	     "a pipe");
	hidden("panthor");
	hidden("xe");
	hidden("msm");
	over("panthor");
	over("xe");
	many("panthor");
	vulkan("panthor");
	vulkan("xe");
	vulkan("msm");
	vulkan("nouveau");
	vulkan("amdgpu");
	submits_amid();
	queries();
	two_devices();
	gl_and_vulkan();
	mapped_in_doubt();
	settles_by_polls("panthor");
	settles_by_polls("nouveau");
	many_busy();
	by_a_sync_file("panthor");
	among_others("panthor", 3);
	among_others("panthor", 600);	/* of 8 bytes each */
	among_others("xe", 3);
	by_a_sync_file("nouveau");
	silent("etnaviv", NULL);
	silent("panthor", NULL);
	silent("vgem", "omapdrm");
	settles("panthor");
	settles("nouveau");
	begins_at_once();
	hangs();
	return broken;
}
