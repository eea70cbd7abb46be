// SPDX-License-Identifier: MIT
/* A part of waits.c: programs that learn by a question that a device is done. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>

#include "process/waits.h"

/* As Mesa's vkGetSemaphoreCounterValue() asks. */
bool timeline_reaches(uint64_t point, uint32_t flags)
{
	uint64_t reached = 0;
	uint32_t syncobj = 1;
	struct drm_syncobj_timeline_array a = {
		.handles = (uintptr_t)&syncobj, .points = (uintptr_t)&reached,
		.count_handles = 1, .flags = flags,
	};

	need(!ioctl(fd, DRM_IOCTL_SYNCOBJ_QUERY, &a), "SYNCOBJ_QUERY");
	return reached >= point;
}

/* Of hidden work nobody but the answer tells that it is done. */
static void in_a_loop(const char *name)
{
	unsigned long before;

	fake_reach(0);
	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int job = 1; job <= 3; job++) {
		char text[160];

		way_name = "";
		p[0] = job;
		need(!submit(), "a submit");
		check(device[0] == job, "the device has what was written before the submit");
		before = begun();
		fake_busy(ino, !driver->hides);
		for (int i = 0; i < 10; i++)
			need(!timeline_reaches(job, 0), "SYNCOBJ_QUERY");
		check(begun() == before + driver->hides, "no device is done: nothing to begin");
		memset(device, 10 * job, SIZE);
		fake_busy(ino, false);
		before = begun();
		need(timeline_reaches(job, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), "the last one");
		check(begun() == before, "what is submitted need not be done");
		fake_reach(job);
		need(timeline_reaches(job, 0), "SYNCOBJ_QUERY");
		snprintf(text, sizeof(text), "job %d is done: what the device wrote is read", job);
		check(p[0] == 10 * job && device[0] == 10 * job, text);
		before = begun();
		for (int i = 0; i < 10; i++)
			need(timeline_reaches(job, 0), "SYNCOBJ_QUERY");
		check(begun() == before, "asked again and again: nothing to begin");
	}
	leave();
}

/* The program asks of what it has waited for: that is no other job that is done. */
static void of_the_same_job(const char *name)
{
	unsigned long before;

	fake_reach(0);
	import_into(name, new_dmabuf(SIZE, FILL, true));
	need(!submit() && !submit(), "two submits");
	need(!timeline_reaches(1, 0), "SYNCOBJ_QUERY");
	fake_reach(1);
	wait_for_fence();
	need(timeline_reaches(1, 0) && timeline_reaches(1, 0), "SYNCOBJ_QUERY");
	fake_reach(2);
	before = begun();
	wait_for_fence();
	check(begun() == before + 1,
	      "two jobs, and questions of the first: the second one's wait begins");
	leave();
}

/* The first answer may say already that it is done. */
static void done_at_once(const char *name)
{
	fake_reach(0);
	import_into(name, new_dmabuf(SIZE, FILL, true));
	for (int job = 1; job <= 3; job++) {
		need(!submit(), "a submit");
		memset(device, 10 * job, SIZE);
		fake_reach(job);
		need(timeline_reaches(job, 0), "SYNCOBJ_QUERY");
		check(p[0] == 10 * job, "the first answer says it: what the device wrote is read");
	}
	leave();
}

/* A point of one file's timeline says nothing of another file's. */
static void of_another_file(void)
{
	int mine, elsewhere;

	fake_reach(0);
	import_into("panthor", new_dmabuf(SIZE, FILL, true));
	mine = fd;
	elsewhere = card(driver);
	need(!submit(), "a submit");
	need(!timeline_reaches(1, 0), "SYNCOBJ_QUERY");
	fake_reach(1);
	fd = elsewhere;
	need(timeline_reaches(1, 0), "SYNCOBJ_QUERY");
	fd = mine;
	memset(device, 7, SIZE);
	need(timeline_reaches(1, 0), "SYNCOBJ_QUERY");
	check(p[0] == 7, "asked by another file first: what the device wrote is read");
	close(elsewhere);
	leave();
}

/* VMW_FENCE_SIGNALED, whose answer is of one fence; TEGRA_SYNCPT_READ, whose is a number. */
static void by_driver(const char *name, unsigned int nr, unsigned int size)
{
	uint32_t arg[6] = { 1 };
	unsigned long before;

	fake_reach(0);
	import_into(name, new_dmabuf(SIZE, FILL, true));
	need(!submit(), "a submit");
	fake_busy(ino, true);
	before = begun();
	need(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', nr, size), arg), "a question");
	check(begun() == before, "a driver's question, and no device is done");
	memset(device, 7, SIZE);
	fake_busy(ino, false);
	fake_reach(1);
	need(!ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', nr, size), arg), "a question");
	check(p[0] == 7, "a driver's question: what the device wrote is read");
	leave();
}

void queries(void)
{
	in_a_loop("etnaviv");
	in_a_loop("nouveau");
	in_a_loop("panthor");
	in_a_loop("xe");
	in_a_loop("msm");
	of_the_same_job("nouveau");
	of_the_same_job("panthor");
	done_at_once("nouveau");
	done_at_once("panthor");
	of_another_file();
	by_driver("vmwgfx", 0x4f, 24);
	by_driver("tegra", 0x42, 8);
}
