// SPDX-License-Identifier: MIT
/* A part of waits.c: what happens amid another thread's submit, which the fake kernel holds. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "process/waits.h"

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

/* What the CPU writes amid a submit that only reads, and fails, stays. */
static void written_amid(void)
{
	pthread_t id;

	import_into("etnaviv", new_dmabuf(SIZE, FILL, true));
	hold_submits(true);
	id = amid_submit(READS);
	p[5] = 9;
	goes_on(id, EINTR);
	check(p[5] == 9, "written amid another thread's submit that reads, and fails: it stays");
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

void submits_amid(void)
{
	waited_amid();
	submitted_again();
	one_fails("panthor", UNLISTED);
	one_fails("nouveau", UNLISTED);
	one_fails("etnaviv", WRITES);
	written_amid();
	left_by_a_jump();
}
