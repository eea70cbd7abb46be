// SPDX-License-Identifier: MIT
/*
 * The fuzzer's steps with signals: a timer interrupts a thread at any time. Its handler returns,
 * jumps out of what it interrupted, or ends the process. The interrupted calls use objects of their
 * own, so that the model stays exact: nothing of these objects may be left.
 */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "fuzz.h"
#include "lib/child.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

/* A sanitizer may put signals off for long. */
#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 100 };
#else
enum { ROUNDS = 5000 };
#endif

enum way { RETURN, JUMP, EXIT, _EXIT, QUICK_EXIT, WAYS };

static __thread struct {
	sigjmp_buf back;
	volatile sig_atomic_t armed, ticks, wrong;
	enum way way;
	int number;		/* a plain file's, which the handler duplicates */
} own;

/* What POSIX lets a handler do, and a program may rely on. */
static void tick(int sig)
{
	int saved = errno, fd;

	(void)sig;
	if (!own.armed)
		return;
	own.ticks++;
	fd = shim_fcntl(own.number, F_DUPFD_CLOEXEC, (void *)(uintptr_t)(own.number + 1));
	own.wrong |= fd < 0 || shim_dup2(own.number, fd) != fd || shim_close(fd);
	switch (own.way) {
	case JUMP:
		own.armed = 0;
		siglongjmp(own.back, 1);
	case EXIT:
		exit(21);
	case _EXIT:
		_exit(22);
	case QUICK_EXIT:
		quick_exit(23);
	default:
		errno = saved;
	}
}

void signals_start(void)
{
	const struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };

	if (shim_sigaction(SIGUSR1, &act, NULL))
		abort();
}

static bool timer_new(timer_t *timer)
{
	struct sigevent e = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };

	e.sigev_notify_thread_id = syscall(SYS_gettid);
	return !timer_create(CLOCK_MONOTONIC, &e, timer);
}

static void timer_set(timer_t timer, long us)
{
	struct itimerspec at = { { 0, us * 1000 }, { 0, us * 1000 } };

	timer_settime(timer, 0, &at, NULL);
}

/* One round of a program's day: each of these calls may be the one that is left by a jump. */
static void work(int card, int dmabuf, char *place, int i)
{
	struct drm_prime_handle p = { .fd = dmabuf };
	struct drm_mode_map_dumb m = { 0 };
	struct drm_gem_close c;

	if (shim_ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		return;
	m.handle = c.handle = p.handle;
	if (!shim_ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &m)) {
		shim_mmap64(place, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, card,
			    m.offset);
		/* Never a hole, which another thread's mapping would find. */
		if (i % 2)
			shim_mmap64(place, PAGE, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	if (i % 4)
		shim_ioctl(card, DRM_IOCTL_GEM_CLOSE, &c);
}

/* @n times what a handler interrupts, on an open file and a dma-buf that end with it. */
static bool storm(struct thread *t, enum way way, int n)
{
	int numbers = PRIVATE_END + t->index * 2;	/* where nobody else has any */
	char path[] = "/dev/dri/card0";
	int card, dmabuf = fake_export(PAGE, 1, true);
	char *place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile int i = 0;
	timer_t timer;

	/*
	 * A jump may lose what the shim had recorded. The next MAP_FIXED is then the driver's, and
	 * where that refuses it there is a gap, which another thread's mapping would find.
	 */
	path[sizeof(path) - 2] += threads > 1 || one_in(t, 2) ? FAKE_FORWARDS : FAKE_REFUSES;
	card = fake_open(path, O_RDWR | O_CLOEXEC);
	EXPECT(t, card >= 0 && dmabuf >= 0 && place != MAP_FAILED && timer_new(&timer),
	       "no room for a storm: %d", errno);
	EXPECT(t, shim_dup3(card, numbers, O_CLOEXEC) == numbers && !shim_close(card) &&
	       shim_dup3(dmabuf, numbers + 1, O_CLOEXEC) == numbers + 1 && !shim_close(dmabuf),
	       "dup3: %d", errno);
	own.number = t->socks[0];
	own.way = way;
	own.ticks = own.wrong = 0;
	if (sigsetjmp(own.back, 1)) {
		timer_set(timer, 0);
		t->jumps++;
	}
	own.armed = 1;
	while (own.ticks < n && i < ROUNDS) {
		timer_set(timer, 20 + (i * 7919) % 300);
		work(numbers, numbers + 1, place, i++);
	}
	own.armed = 0;
	timer_delete(timer);
	EXPECT(t, !own.wrong, "a handler's calls went wrong");
	EXPECT(t, !shim_munmap(place, PAGE) && !shim_close(numbers) && !shim_close(numbers + 1),
	       "what a storm leaves cannot be let go: %d", errno);
	return own.ticks;
}

void step_storm(struct thread *t)
{
	enum way way = one_in(t, 3) ? RETURN : JUMP;

	log_step(t, "storm, way %d", way);
	storm(t, way, 1 + rnd(t, 4));
}

void step_end(struct thread *t)
{
	static const int statuses[] = { 24, 24, 21, 22, 23 };
	enum way way = rnd(t, WAYS);
	/*
	 * exit() takes a lock of glibc's that _Fork() leaves taken, if another thread is in fork().
	 */
	int how = threads > 1 ? 0 : rnd(t, 2), status;
	pid_t pid;

#ifdef __SANITIZE_THREAD__
	how = 0;
#endif
	log_step(t, "child %d that a signal ends, way %d", how, way);
	pid = child_of(how);
	if (!pid) {
		t->child = true;
		storm(t, way, 20);
		exit(24);
	}
	status = child_status(t, pid);
	/* Where no signal came it ended by itself. */
	EXPECT(t, status == statuses[way] << 8 || status == 24 << 8, "a child: status %x", status);
}
