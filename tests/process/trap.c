// SPDX-License-Identifier: MIT
/*
 * PRIMESHIM_SYNC=trap: a program that touches an import while it is a device's turn, over the fake
 * kernel, which counts the brackets; and that does all that a program may do with SIGSEGV. An
 * ordinary program, which knows nothing of the shim. For trap.sh.
 *
 *   trap			everything but what ends a program
 *   trap null|ignored|blocked|killed|read-only|reset	how that ends it: by SIGSEGV
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>

#include "lib/drivers-client.h"

#define ROUNDS 2000

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static void (*fake_busy)(uint64_t ino, bool busy);
static unsigned long (*bracket_faults)(void);

static int fd, dmabuf;
static uint64_t ino;
static uint32_t handle;
static volatile uint8_t *p;

static unsigned long begins(void)
{
	unsigned long b, e;

	fake_brackets(ino, &b, &e);
	return b;
}

static bool open_bracket(void)
{
	unsigned long b, e;

	fake_brackets(ino, &b, &e);
	return b != e;
}

/* It is the device's turn. */
static void give(void)
{
	int out = export(fd, handle, DRM_RDWR);

	need(out >= 0 && !close(out) && !open_bracket(), "export");
}

/* Named in a backtrace, which is why it is neither static nor inlined. */
void touch_without_a_begin(uint8_t v);
__attribute__((noinline)) void touch_without_a_begin(uint8_t v)
{
	p[5] = v;
}

static void touches(void)
{
	unsigned long before = begins();
	uint64_t offset;
	uint8_t *q, *view = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, dmabuf, 0);

	need(view != MAP_FAILED, "view");
	touch_without_a_begin(1);
	check(begins() == before, "what the CPU may touch is not caught");
	for (int i = 0; i < 3; i++) {
		give();
		touch_without_a_begin(10 + i);
		check(begins() == before + 1 + i && open_bracket(), "a touch begins a bracket");
		touch_without_a_begin(20 + i);
		p[2 * PAGE] = i;
		check(begins() == before + 1 + i, "one for all pages");
		check(view[5] == 20 + i && view[2 * PAGE] == i, "what was written is there");
	}
	give();
	check(p[5] == 22 && open_bracket(), "reading, too");
	give();
	fake_busy(ino, true);
	touch_without_a_begin(30);
	check(view[5] == 30 && !open_bracket(), "a busy one is not waited for");
	touch_without_a_begin(31);
	fake_busy(ino, false);
	give();
	touch_without_a_begin(32);
	check(open_bracket(), "and caught again after the next submit");
	fake_busy(ino, true);
	give();
	need(!ask(fd, ways(driver), handle, 0, SIZE, &offset), "offset");
	q = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	need(q != MAP_FAILED, "map");
	q[5] = 33;
	check(view[5] == 33 && !open_bracket(), "mapped and not waited for");
	fake_busy(ino, false);
	unmap(q, SIZE);
	give();
	munmap(view, SIZE);
}

static void protections(void)
{
	uint8_t *q;

	need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
	need(!mprotect(q, PAGE, PROT_READ), "mprotect");
	give();
	p[0] = 1;
	check(q[0] == 1 && open_bracket(), "a second mapping opens with the first");
	q[PAGE] = 2;
	check(p[PAGE] == 2, "with the protection that it had");
	give();
	need(!mprotect(q + PAGE, PAGE, PROT_READ), "mprotect");
	check(q[PAGE] == 2 && open_bracket(), "what mprotect() opens stays PROT_NONE");
	give();
	need(!mprotect((void *)p, PAGE, PROT_READ | PROT_WRITE), "mprotect");
	p[0] = 3;
	check(open_bracket() && q[0] == 3, "also where it says nothing new");
	munmap(q, SIZE);
}

static volatile sig_atomic_t caught, on_stack;
static void *volatile caught_at;
static sigjmp_buf back;
static char stack[65536];

static void handler(int sig, siginfo_t *info, void *c)
{
	char here;

	(void)sig, (void)c;
	caught++;
	caught_at = info->si_addr;
	on_stack = &here >= stack && &here < stack + sizeof(stack);
	if (info->si_code > 0)
		siglongjmp(back, 1);
}

static void simple_handler(int sig)
{
	caught += sig == SIGSEGV;
}

/* A fault that has nothing to do with an import. */
static void fault(void *at)
{
	if (!sigsetjmp(back, 1))
		*(volatile char *)at = 1;
}

static void handlers(void)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK },
		old;
	const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	char *hole = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(!sigaction(SIGSEGV, NULL, &old), "sigaction");
	check(old.sa_handler == SIG_DFL && !(old.sa_flags & SA_SIGINFO),
	      "nothing was set for SIGSEGV");
	need(!sigaltstack(&alt, NULL) && !sigaction(SIGSEGV, &act, &old), "sigaction");
	check(old.sa_handler == SIG_DFL, "nor is before the first");
	need(!sigaction(SIGSEGV, NULL, &old), "sigaction");
	check(old.sa_sigaction == handler && old.sa_flags == act.sa_flags, "the program's is");
	give();
	touch_without_a_begin(1);
	check(open_bracket() && !caught, "a touch does not come to it");
	fault(hole);
	check(caught == 1 && caught_at == hole && on_stack, "a fault does, on its stack");
	fault(hole);
	check(caught == 2, "and again");
	raise(SIGSEGV);
	check(caught == 3, "as does a signal that was sent");
	give();
	touch_without_a_begin(2);
	check(open_bracket(), "touches are caught as ever");

	check(signal(SIGSEGV, simple_handler) == (void (*)(int))(void *)handler,
	      "signal() says what was");
	raise(SIGSEGV);
	check(caught == 4, "and sets");
	check(signal(SIGSEGV, SIG_IGN) == simple_handler, "signal() again");
	raise(SIGSEGV);
	check(caught == 4, "ignored where it was sent");
	check(signal(SIGSEGV, SIG_DFL) == SIG_IGN, "and default again");
	errno = 0;
	check(sigaction(-1, &act, NULL) == -1 && errno == EINVAL,
	      "a signal that is none is EINVAL");
	munmap(hole, PAGE);
}

static void alarm_handler(int sig)
{
	(void)sig;
	p[7]++;
	caught++;
}

static void *all_blocked(void *arg)
{
	sigset_t all, now;

	(void)arg;
	sigfillset(&all);
	need(!pthread_sigmask(SIG_BLOCK, &all, NULL) && !pthread_sigmask(SIG_BLOCK, NULL, &now),
	     "pthread_sigmask");
	check(sigismember(&now, SIGSEGV) == 1, "SIGSEGV is blocked, as far as a thread can see");
	touch_without_a_begin(3);
	check(open_bracket(), "and a touch of its is caught");
	return NULL;
}

static void masks(void)
{
	struct sigaction once = { .sa_handler = simple_handler, .sa_flags = (int)SA_RESETHAND };
	struct sigaction act = { .sa_handler = alarm_handler }, old;
	sigset_t segv, was;
	pthread_t id;

	give();
	need(!pthread_create(&id, NULL, all_blocked, NULL) && !pthread_join(id, NULL), "thread");

	sigfillset(&act.sa_mask);
	need(!sigaction(SIGUSR1, &act, NULL) && !sigaction(SIGUSR1, NULL, &old), "sigaction");
	check(sigismember(&old.sa_mask, SIGSEGV) == 1, "a handler's mask is as it was set");
	give();
	raise(SIGUSR1);
	check(open_bracket(), "a touch in a handler that blocks all is caught");

	caught = 0;
	need(!sigaction(SIGSEGV, &once, NULL), "sigaction");
	sigemptyset(&segv);
	sigaddset(&segv, SIGSEGV);
	need(!sigprocmask(SIG_BLOCK, &segv, &was), "sigprocmask");
	check(!sigismember(&was, SIGSEGV), "it was not blocked");
	raise(SIGSEGV);
	check(!caught, "what is blocked waits");
	need(!sigprocmask(SIG_SETMASK, &was, &segv), "sigprocmask");
	check(sigismember(&segv, SIGSEGV) == 1 && caught == 1, "until it is not any more");
	signal(SIGSEGV, SIG_DFL);
}

/* Signals whose handler touches the pages, amid everything that the shim does. */
static void storm(void)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction act = { .sa_handler = alarm_handler, .sa_flags = SA_RESTART };
	bool right = true;
	uint8_t *q;

	caught = 0;
	need(!sigaction(SIGALRM, &act, NULL) && !setitimer(ITIMER_REAL, &often, NULL), "timer");
	for (int i = 0; i < ROUNDS; i++) {
		int out = export(fd, handle, DRM_RDWR);

		need(out >= 0, "export");
		p[0] = i;
		need(!map(fd, ways(driver), handle, 0, SIZE, &q), "map");
		right &= q[0] == (uint8_t)i;
		unmap(q, SIZE);
		close(out);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	check(right && caught > 10, "handlers that touch it come at any time");
}

static atomic_bool stop;

static void *toucher(void *arg)
{
	volatile uint8_t *at = p + (uintptr_t)arg * 64;
	unsigned long n = 0;

	for (; !atomic_load(&stop); n++) {
		*at = n;
		if (*at != (uint8_t)n)
			return "lost";
	}
	return NULL;
}

static void threads(void)
{
	pthread_t id[3];
	bool right = true;
	void *out;

	for (uintptr_t i = 0; i < 3; i++)
		need(!pthread_create(&id[i], NULL, toucher, (void *)(i + 1)), "thread");
	for (int i = 0; i < ROUNDS; i++) {
		int other = export(fd, handle, DRM_RDWR);

		need(other >= 0, "export");
		close(other);
		p[0] = i;
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(id[i], &out);
		right &= !out;
	}
	check(right, "threads that touch it while another submits");
}

static void processes(void)
{
	int status;
	pid_t child;

	give();
	child = fork();
	if (!child) {
		touch_without_a_begin(77);
		exit(p[5] != 77);
	}
	need(waitpid(child, &status, 0) == child, "wait");
	check(!status, "a child's touch is caught");
	check(p[5] == 77, "and the parent's");
}

static void limits(void)
{
	int zero = open("/dev/zero", O_RDWR);

	give();
	errno = 0;
	check(read(zero, (void *)p, 16) == -1 && errno == EFAULT && !open_bracket(),
	      "a system call that is given PROT_NONE pages says EFAULT, and is not caught");
	touch_without_a_begin(1);
	check(read(zero, (void *)p, 16) == 16, "of open ones it is as ever");
	close(zero);
}

/* Each ends the program. */
/* Where nothing is mapped, which the compiler is not to know. */
static volatile char *volatile nowhere = (volatile char *)8;

static void die(const char *how)
{
	sigset_t all;

	give();
	sigfillset(&all);
	if (!strcmp(how, "null"))
		*nowhere = 1;
	if (!strcmp(how, "ignored")) {
		signal(SIGSEGV, SIG_IGN);
		*nowhere = 1;
	}
	if (!strcmp(how, "blocked")) {
		signal(SIGSEGV, simple_handler);
		pthread_sigmask(SIG_BLOCK, &all, NULL);
		*nowhere = 1;
	}
	if (!strcmp(how, "killed"))
		kill(getpid(), SIGSEGV);
	if (!strcmp(how, "read-only")) {
		mprotect((void *)p, PAGE, PROT_READ);
		touch_without_a_begin(p[0]);
	}
	if (!strcmp(how, "reset")) {
		struct sigaction act =
			{ .sa_handler = simple_handler, .sa_flags = (int)SA_RESETHAND };

		sigaction(SIGSEGV, &act, NULL);
		*nowhere = 1;
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct stat st;
	uint8_t *mapped;

	setvbuf(stdout, NULL, _IOLBF, 0);
	new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	device_maps = dlsym(RTLD_DEFAULT, "fake_device_maps");
	fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	fake_busy = dlsym(RTLD_DEFAULT, "fake_busy");
	bracket_faults = dlsym(RTLD_DEFAULT, "fake_bracket_faults");
	need(new_dmabuf && fake_brackets && fake_busy && bracket_faults, "the fake kernel");
	mode = "trap";
	way_name = "";
	driver = named("vgem");
	fd = card(driver);
	dmabuf = new_dmabuf(SIZE, FILL, true);
	need(!import(fd, dmabuf, &handle) && !fstat(dmabuf, &st), "import");
	ino = st.st_ino;
	need(!map(fd, ways(driver), handle, 0, SIZE, &mapped), "map");
	p = mapped;
	if (argc > 1)
		die(argv[1]);
	touches();
	protections();
	handlers();
	masks();
	storm();
	threads();
	processes();
	limits();
	unmap(mapped, SIZE);
	check(!open_bracket() && !bracket_faults(),
	      "no START in an open bracket, no END of none or of another");
	return broken;
}
