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
#include <setjmp.h>
#include <signal.h>
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
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>

#include "lib/drivers-client.h"

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static void (*fake_busy)(uint64_t ino, bool busy);
static void (*fake_on_sync)(void (*hook)(uint64_t ino, uint64_t flags));
static void (*submits_fail)(int err);
static void (*hold_submits)(bool hold);
static unsigned int (*submits_held)(void);
static void (*let_submit)(int err);

static int fd, dmabuf;
static uint64_t ino;
static uint32_t handle;
static volatile uint8_t *p;		/* the CPU's copy */
static uint8_t device[SIZE];		/* the device's */

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
static void import_into(const char *name, int dmabuf_fd)
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

static void leave(void)
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
static int submit(void)
{
	const struct fake_turn *t = way_to_submit();
	char arg[192] = { 0 };

	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', t->nr, t->size), arg) ? errno : 0;
}

static void wait_for_fence(void)
{
	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &(struct drm_syncobj_wait){ 0 }), "SYNCOBJ_WAIT");
}

/* Brackets so far. */
static unsigned long begun(void)
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

static void by_poll(void)
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
	for (int i = 0; i < TURNS; i++) {
		pthread_t id;

		p[0] = i;
		need(!pthread_create(&id, NULL, submits, NULL), "a thread");
		pthread_join(id, NULL);
		fake_busy(ino, !driver->hides);
		amid[i % 5].happens();
		to_device += device[0] == (uint8_t)i;
		device[1] = ~i;
		fake_busy(ino, false);
		if (i % 3 == 0)
			wait_for_fence();
		else if (i % 3 == 1)
			by_timeline();
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
static int submit_list(bool writes)
{
	struct {
		uint32_t flags, handle;
		uint64_t presumed;
	} element = { writes ? 2 : 1, handle, 0 };
	uint64_t at = (uintptr_t)&element;
	char arg[72] = { 0 };

	arg[12] = 1;
	memcpy(arg + 24, &at, sizeof(at));
	return ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', 0x46, sizeof(arg)), arg) ? errno : 0;
}

enum work { UNLISTED, READS, WRITES };

static void *works(void *work)
{
	enum work w = (uintptr_t)work;

	return (void *)(intptr_t)(w == UNLISTED ? submit() : submit_list(w == WRITES));
}

/* Another thread, which is amid its submit when this returns. */
static pthread_t amid_submit(enum work w)
{
	unsigned int before = submits_held();
	pthread_t id;

	need(!pthread_create(&id, NULL, works, (void *)(uintptr_t)w), "a thread");
	while (submits_held() == before)
		usleep(1000);
	return id;
}

/* The submit of that thread goes on, to @err. */
static void goes_on(pthread_t id, int err)
{
	void *said;

	let_submit(err);
	pthread_join(id, &said);
	need((intptr_t)said == err, "a submit says what the kernel says");
}

/* A device is done with a buffer that another thread is just handing over once more, to be read. */
static void waited_amid(void)
{
	pthread_t id;

	import_into("etnaviv", new_dmabuf(SIZE, FILL, true));
	need(!submit_list(true), "a submit");
	hold_submits(true);
	id = amid_submit(READS);
	memset(device, 7, SIZE);
	wait_for_fence();
	goes_on(id, 0);
	check(p[0] == 7, "a wait amid another thread's submit: what the device wrote is read");
	hold_submits(false);
	leave();
}

/* Nobody has waited for what a device has, and another thread hands it over once more. */
static void submitted_again(void)
{
	pthread_t id;

	import_into("etnaviv", new_dmabuf(SIZE, FILL, true));
	p[0] = 1;
	need(!submit_list(true), "a submit");
	hold_submits(true);
	id = amid_submit(WRITES);
	by_poll();
	memset(device, 7, SIZE);
	fake_busy(ino, true);
	goes_on(id, 0);
	fake_busy(ino, false);
	wait_for_fence();
	check(p[0] == 7 && device[0] == 7,
	      "submitted again, unwaited for, and a poll amid that: what was written is read");
	hold_submits(false);
	leave();
}

/* Of two threads' submits one fails, while the other is not yet with the kernel. */
static void one_fails(const char *name, enum work w)
{
	pthread_t fails, works_on;

	import_into(name, new_dmabuf(SIZE, FILL, true));
	p[0] = 1;
	hold_submits(true);
	fails = amid_submit(w);
	works_on = amid_submit(w);
	goes_on(fails, EINTR);
	memset(device, 7, SIZE);
	fake_busy(ino, !driver->hides);
	goes_on(works_on, 0);
	fake_busy(ino, false);
	wait_for_fence();
	check(p[0] == 7 && device[0] == 7,
	      "a submit fails amid another's: what the device wrote is read");
	hold_submits(false);
	leave();
}

static sigjmp_buf out;

static void jump(int sig)
{
	siglongjmp(out, sig);
}

/* A signal handler leaves the submit: this thread is amid none any more. */
static void left_by_a_jump(void)
{
	import_into("etnaviv", new_dmabuf(SIZE, FILL, true));
	hold_submits(true);
	signal(SIGALRM, jump);
	if (!sigsetjmp(out, 1)) {
		setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = 50000 }, NULL);
		submit_list(true);
		need(false, "a jump");
	}
	signal(SIGALRM, SIG_DFL);
	hold_submits(false);
	memset(device, 7, SIZE);
	wait_for_fence();
	check(p[0] == 7, "a submit is left by a jump, and a wait: what the device wrote is read");
	leave();
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

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Of a device that hangs the program may map one buffer after the other. */
static void hangs(void)
{
	double began;

	driver = named("vgem");
	fd = card(driver);
	began = now();
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
	printf("# %.3f s\n", now() - began);
	check(now() - began < 7,
	      "ten maps whose fences never come wait five seconds in all, not ten");
	close(fd);
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
	need(new_dmabuf && fake_brackets && fake_busy && fake_on_sync && submits_fail &&
		     hold_submits && submits_held && let_submit,
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
	waited_amid();
	submitted_again();
	one_fails("panthor", UNLISTED);
	one_fails("nouveau", UNLISTED);
	one_fails("etnaviv", WRITES);
	left_by_a_jump();
	by_a_sync_file("panthor");
	by_a_sync_file("nouveau");
	silent("etnaviv", NULL);
	silent("panthor", NULL);
	silent("vgem", "omapdrm");
	settles("panthor");
	settles("nouveau");
	hangs();
	return broken;
}
