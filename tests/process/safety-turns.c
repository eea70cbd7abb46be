// SPDX-License-Identifier: MIT
/*
 * Threads that begin and end the CPU's accesses to one buffer at once, and a begin that has to wait
 * and does not come back: no begin is lost. The fake kernel counts the brackets.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "safety.h"

static int card;
static uint64_t ino;
static uint32_t handle;
static uint8_t *p;
static pthread_barrier_t start;
static atomic_bool settled;
static atomic_ulong wrong;
static unsigned long seen;	/* calls that were delayed, before each round */

static void buffer(void)
{
	int d = new_dmabuf();

	card = card_open(false);
	ino = ino_of(d);
	need(!import(card, d, &handle) && !map(card, handle, &p), "map");
	close(d);
}

/* Begins when the settler is amid what it does, or has done it. */
static void *beginner(void *arg)
{
	unsigned long n = *(unsigned long *)arg;

	while (n--) {
		pthread_barrier_wait(&start);
		while (fake.delayed() == seen && !settled)
			nap(50);
		wrong += begin(card, handle);
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
	}
	return NULL;
}

void begins(void)
{
	unsigned long n = rounds(100), lost[2] = { 0 };
	pthread_t t[2];

	buffer();
	need(!pthread_barrier_init(&start, NULL, 3), "a barrier");
	fake.delay(ino, 2000);
	for (int i = 0; i < 2; i++)
		need(!pthread_create(&t[i], NULL, beginner, &n), "a thread");
	for (unsigned long i = 0; i < n; i++) {
		uint8_t *q = NULL;

		need(!end(card, handle), "end");
		if (i & 1)
			need(!begin(card, handle), "begin");
		else
			fake.busy(ino, true);
		seen = fake.delayed();
		settled = false;
		pthread_barrier_wait(&start);
		/* Of the work of two turns: an END, or a map that finds the buffer busy. */
		wrong += i & 1 ? end(card, handle) : map(card, handle, &q);
		settled = true;
		pthread_barrier_wait(&start);
		lost[i & 1] += begun(ino) != shimmed;
		if (q)
			munmap(q, size);
		pthread_barrier_wait(&start);
		step();
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	check(!wrong, "begins amid other threads' ends and maps: %lu failed", wrong);
	check(!lost[0], "amid a map of a buffer that is busy: %lu of %lu begins were lost", lost[0],
	      (n + 1) / 2);
	check(!lost[1], "amid an end: %lu of %lu begins were lost", lost[1], n / 2);
	fake.delay(ino, 0);
	need(!begin(card, handle), "begin");
	check(munmap(p, ~(size_t)0 / 2 + 1) < 0 && errno == EINVAL && begun(ino) == shimmed,
	      "an munmap() that the kernel refuses ends none");
	munmap(p, size);
	check(brackets(ino).begins == brackets(ino).ends && !fake.bracket_faults(),
	      "each bracket is begun and ended once");
}

static sigjmp_buf back;

static void jump(int sig)
{
	siglongjmp(back, sig);
}

static void *begin_and_end(void *arg)
{
	bool *well = arg;

	*well = !begin(card, handle) && begun(ino) == shimmed && !end(card, handle) &&
		brackets(ino).begins == brackets(ino).ends;
	return NULL;
}

static void *begin_now(void *arg)
{
	(void)arg;
	begin(card, handle);
	return NULL;
}

static void leave(int sig)
{
	(void)sig;
	pthread_exit(NULL);
}

/* A thread that begins, and waits. */
static pthread_t waiter(void)
{
	unsigned long delayed = fake.delayed();
	pthread_t t;

	need(!pthread_create(&t, NULL, begin_now, NULL), "a thread");
	while (shimmed && fake.delayed() == delayed)
		nap(1000);
	return t;
}

/*
 * A jump in a sandbox in which nobody may ask what stack he is on; @fence: -1 or -2, as fake.h has
 * it. AddressSanitizer asks at each jump.
 */
static void filtered(int fence)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sigaltstack, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	return;
#endif
	pid = fork();
	if (!pid) {
		buffer();
		need(!end(card, handle), "end");
		/* Without filters there is nothing to see. */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
			_exit(0);
		fake.delay(ino, fence);
		if (!sigsetjmp(back, 1)) {
			alarm_in(20000);
			begin(card, handle);
			for (;;)
				pause();
		}
		fake.delay(ino, 0);
		_exit(begin(card, handle) || begun(ino) != shimmed || end(card, handle) ? 51 : 0);
	}
	check(ends_with(pid, 0), "and a jump under a filter that kills for sigaltstack()");
}

static void blocked_by(int fence, const char *name)
{
	const struct sigaction act = { .sa_handler = jump, .sa_flags = SA_RESTART };
	const struct sigaction ends = { .sa_handler = leave, .sa_flags = SA_RESTART };
	int d = new_dmabuf(), state = -1;
	bool well = false;
	pthread_t t;
	pid_t pid;

	buffer();
	need(!end(card, handle) && !sigaction(SIGALRM, &act, NULL) &&
	     !sigaction(SIGUSR1, &ends, NULL), "end, sigaction");
	fake.delay(ino, fence);
	if (!sigsetjmp(back, 1)) {
		alarm_in(20000);
		begin(card, handle);
		for (;;)
			pause();
	}
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	check(state == PTHREAD_CANCEL_ENABLE, "siglongjmp() out of a begin that waits for %s",
	      name);
	fake.delay(ino, 0);
	/* This thread has not made a call since. */
	need(!pthread_create(&t, NULL, begin_and_end, &well), "a thread");
	pthread_join(t, NULL);
	check(well, "another thread's next begin begins");
	check(!turn(card, d), "other buffers are mapped");
	step();
	check(!begin(card, handle) && begun(ino) == shimmed, "the next begin begins");
	check(!end(card, handle) && brackets(ino).begins == brackets(ino).ends,
	      "the next end ends");
	need(!pthread_create(&t, NULL, begin_and_end, &well), "a thread");
	pthread_join(t, NULL);
	check(well, "and those of another thread");

	fake.delay(ino, fence);
	t = waiter();
	pthread_kill(t, SIGUSR1);
	pthread_join(t, NULL);
	fake.delay(ino, 0);
	check(!begin(card, handle) && begun(ino) == shimmed, "and when a thread has left by "
	      "pthread_exit()");
	check(!munmap(p, size) && brackets(ino).begins == brackets(ino).ends, "the last one ends");
	/* What is kept of the mapping goes with its handle. */
	close_handle(card, handle);
	check(!descriptors_of(ino, NULL), "no descriptor is left");

	/* A thread waits, and the program exits. */
	pid = fork();
	if (!pid) {
		buffer();
		need(!end(card, handle), "end");
		fake.delay(ino, fence);
		waiter();
		well = !turn(card, d);
		exit(well ? 0 : 50);
	}
	check(ends_with(pid, 0), "exit() while another thread waits in a begin");
	filtered(fence);
}

static void *begin_any_time(void *arg)
{
	int type;

	(void)arg;
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
	begin(card, handle);
	for (;;)
		pause();
	return NULL;
}

/* A thread that may be cancelled anywhere is, while a begin of its waits for a fence. */
void cancelled(void)
{
	unsigned long delayed = fake.delayed();
	int d = new_dmabuf(), n = 3;
	struct brackets was;
	pthread_t t;

	buffer();
	need(!end(card, handle), "end");
	fake.delay(ino, -2);
	need(!pthread_create(&t, NULL, begin_any_time, NULL), "a thread");
	while (shimmed && fake.delayed() == delayed)
		nap(1000);
	pthread_cancel(t);
	nap(50000);
	fake.delay(ino, 0);
	pthread_join(t, NULL);
	check(!turn(card, d), "a thread is cancelled in a begin that waits for a fence");
	check(!munmap(p, size) && brackets(ino).begins == brackets(ino).ends, "the bracket ends");
	was = brackets(ino);
	for (int i = 0; i < n; i++)
		need(!map(card, handle, &p) && !munmap(p, size), "map");
	check(brackets(ino).begins == was.begins + shimmed * n &&
	      brackets(ino).ends == brackets(ino).begins, "each map from then on is bracketed");
	/* What is kept of the mapping goes with its handle. */
	close_handle(card, handle);
	check(!descriptors_of(ino, NULL), "no descriptor is left");
}

/* A turn further down the stack than a START ever was. */
static __attribute__((noinline)) bool turn_below(void)
{
	volatile uint8_t room[16384];
	bool well;

	room[0] = 0;
	well = !begin(card, handle) && begun(ino) == shimmed;
	return !end(card, handle) && brackets(ino).begins == brackets(ino).ends && well && !room[0];
}

static void end_all(void)
{
	fake.delay(ino, 0);
	signal(SIGALRM, SIG_DFL);
	check(!munmap(p, size) && brackets(ino).begins == brackets(ino).ends, "the last one ends");
	close_handle(card, handle);
}

/*
 * After the jump the program's next call comes from a frame that lies below the START's, as if a
 * handler had interrupted it.
 */
static void jumped_over(int fence, bool no_defer)
{
	const struct sigaction act = { .sa_handler = jump, .sa_flags = no_defer ? SA_NODEFER : 0 };

	buffer();
	need(!end(card, handle) && !sigaction(SIGALRM, &act, NULL), "end, sigaction");
	fake.delay(ino, fence);
	if (!sigsetjmp(back, 1)) {
		alarm_in(20000);
		begin(card, handle);
		for (;;)
			pause();
	}
	fake.delay(ino, 0);
	if (!no_defer)
		check(turn_below(), "a jump out of a begin, and a turn from a deeper frame");
	/* Where handlers do not block their signal, it takes a frame above. */
	check(!begin(card, handle) && begun(ino) == shimmed && !end(card, handle),
	      "a jump out of a begin, and a turn from a frame above");
	check(turn_below(), "and one from a deeper frame");
	end_all();
}

/* A handler that makes a hooked call, and lets the begin go on. */
static void look(int sig)
{
	uint8_t *q;

	(void)sig;
	wrong += map(card, handle + 1000, &q) == 0;
	fake.delay(ino, 0);
}

/* The same, of handlers after which the mask is as if they had been left. */
static void unblock_and_look(int sig)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, sig);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	look(sig);
}

static void reset_and_look(int sig)
{
	signal(sig, SIG_DFL);
	look(sig);
}

static void looked_into(int fence, void (*act_by)(int sig), int flags, const char *how)
{
	const struct sigaction act = { .sa_handler = act_by, .sa_flags = flags | SA_RESTART };
	bool well;

	buffer();
	wrong = 0;
	need(!end(card, handle) && !sigaction(SIGALRM, &act, NULL), "end, sigaction");
	fake.delay(ino, fence);
	alarm_in(20000);
	well = !begin(card, handle) && begun(ino) == shimmed && !wrong;
	check(well && !end(card, handle) && brackets(ino).begins == brackets(ino).ends,
	      "a handler%s makes calls amid a begin, and returns", how);
	check(turn_below(), "and a turn from a deeper frame");
	end_all();
}

void blocked(void)
{
	stack_t other = { .ss_sp = malloc(65536), .ss_size = 65536 };

	blocked_by(-1, "a fence");
	blocked_by(-2, "a fence that came late");
	jumped_over(-1, false);
	jumped_over(-2, false);
	jumped_over(-2, true);
	looked_into(-2, look, 0, "");
	looked_into(-2, look, SA_NODEFER, " that does not block its signal");
	looked_into(-2, look, SA_NODEFER | SA_RESETHAND, " that is set for once");
	looked_into(-1, unblock_and_look, 0, " that unblocks its signal");
	looked_into(-2, unblock_and_look, 0, " that unblocks it, at a late fence,");
	looked_into(-2, reset_and_look, SA_NODEFER,
		    " that does not block its signal, and resets it,");
	need(other.ss_sp && !sigaltstack(&other, NULL), "sigaltstack");
	looked_into(-2, look, SA_ONSTACK, " on another stack");
	other.ss_flags = SS_DISABLE;
	need(!sigaltstack(&other, NULL), "sigaltstack");
	free(other.ss_sp);
}
