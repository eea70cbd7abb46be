// SPDX-License-Identifier: MIT
/* Threads that share a file, threads that are cancelled, and signals at the same time. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define WORKERS	8
#define ROUNDS	60

#define HANGS	300	/* seconds, after which it does: on a busy machine one takes a minute */

static int status_drm_file;
static atomic_bool done;

static void *work(void *arg)
{
	struct subject s = *(struct subject *)arg;
	long wrong = 0;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = dup(status_drm_file);
		uint32_t handle = import(i & 1 ? fd : status_drm_file, &s.e);
		uint8_t *p =
			map(i & 2 ? fd : status_drm_file, handle, SIZE, i & 4 ? RW : PROT_READ);

		wrong += !right(&s, p, 0, 2);
		if (i % 3)
			wrong += close_handle(fd, handle) != 0;
		close(fd);
		wrong += !right(&s, p + SIZE - 2 * PAGE, PAGES - 2, 2);
		if (i % 3 == 0)
			wrong += close_handle(status_drm_file, handle) != 0;
		wrong += munmap(p, SIZE) != 0;
	}
	return (void *)wrong;
}

/* Descriptors of the workers' file and of others come and go, by every call there is. */
static void *juggle(void *arg)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC), base = *(int *)arg;

	while (!done) {
		int other = card(), a = fcntl(status_drm_file, F_DUPFD_CLOEXEC, base);

		dup2(other, a);
		dup2(status_drm_file, a);
		dup3(null, a, O_CLOEXEC);
		close(other);
		close_range(a, a, 0);
	}
	close(null);
	return NULL;
}

/* Children are made amid it all, of which each finds the records whole. */
static bool have_children(const struct subject *s)
{
	bool ok = true;

	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		if (!child) {
			alarm(HANGS);
			_exit(!maps(s, s->fd));
		}
		ok &= ended_well(child);
	}
	return ok;
}

static void in_threads(void)
{
	struct subject s[WORKERS], own;
	struct brackets since = brackets_now();
	int bases[2] = { 200, 300 };
	pthread_t worker[WORKERS], juggler[2];
	long wrong = 0;
	void *ret;

	status_drm_file = card();
	own = subject_on(status_drm_file);
	done = false;
	for (int i = 0; i < WORKERS; i++) {
		s[i] = subject_on(status_drm_file);
		close_handle(status_drm_file, s[i].handle);
	}
	for (int i = 0; i < 2; i++)
		pthread_create(&juggler[i], NULL, juggle, &bases[i]);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&worker[i], NULL, work, &s[i]);
	check(have_children(&own), "children of a process whose threads are at it map its imports");
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(worker[i], &ret);
		wrong += (long)ret;
	}
	done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(juggler[i], NULL);
	check(!wrong, "8 threads on one file, while others make and close its duplicates");
	for (int i = 0; i < WORKERS; i++) {
		wrong += !over(&s[i], since);
		s[i].fd = -1;
		subject_free(&s[i]);
	}
	check(!wrong && maps(&own, status_drm_file), "all of their mappings end");
	subject_free(&own);
}

/* One thread that is cancelled, and how far it came. */
struct victim {
	struct subject s;
	int fd;
	sem_t ready, go;
	int steps;
};

static void *reads(void *arg)
{
	struct victim *v = arg;
	char byte;

	sem_post(&v->ready);
	v->steps = read(v->fd, &byte, 1) + 10;
	return NULL;
}

static void *locks(void *arg)
{
	struct victim *v = arg;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	sem_post(&v->ready);
	v->steps = fcntl(v->fd, F_SETLKW, &lock) + 10;
	return NULL;
}

/* Wait, with the cancellation put off, until it is pending. */
static void be_doomed(struct victim *v)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	sem_post(&v->ready);
	sem_wait(&v->go);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
}

static void *closes(void *arg)
{
	struct victim *v = arg;

	be_doomed(v);
	close(v->fd);
	v->steps = 10;
	return NULL;
}

static void *goes_on(void *arg)
{
	struct victim *v = arg;
	uint64_t off = 0;
	uint8_t *p, *q;

	be_doomed(v);
	v->steps = import(v->s.fd, &v->s.e) == v->s.handle;
	v->steps += !map_dumb(v->s.fd, v->s.handle, &off);
	p = map_at(v->s.fd, off, SIZE, RW);
	v->steps += right(&v->s, p, 0, PAGES);
	q = map_at(v->s.fd, off + PAGE, PAGE, PROT_READ);
	v->steps += right(&v->s, q, 1, 1);
	v->steps += !munmap(q, PAGE) + !munmap(p, SIZE);
	v->steps += dup2(v->s.fd, v->fd) == v->fd;
	v->steps += !close_handle(v->s.fd, v->s.handle);
	pthread_testcancel();
	v->steps = 10;
	return NULL;
}

/* Did the thread end by being cancelled? */
static bool cancelled(struct victim *v, void *(*run)(void *))
{
	struct timespec until;
	void *ret = NULL;
	pthread_t t;

	v->steps = 0;
	sem_init(&v->ready, 0, 0);
	sem_init(&v->go, 0, 0);
	pthread_create(&t, NULL, run, v);
	sem_wait(&v->ready);
	usleep(50000);		/* until it waits */
	pthread_cancel(t);
	sem_post(&v->go);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HANGS;
	if (pthread_timedjoin_np(t, &ret, &until))
		errx(2, "a thread that was cancelled goes on");
	return ret == PTHREAD_CANCELED;
}

static void in_cancelled_threads(void)
{
	struct victim v = { .s = subject_new() };
	struct brackets since = brackets_now();
	uint8_t *p = map_at(v.s.fd, v.s.off, SIZE, RW);
	int ends[2], ready[2];
	char byte = 0;
	pid_t child;

	if (pipe(ends) < 0 || pipe(ready) < 0)
		err(2, "pipe");
	v.fd = ends[0];
	check(cancelled(&v, reads) && !v.steps, "a thread that waits in read is cancelled");

	v.fd = dup(v.s.fd);
	child = fork();
	if (!child) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		byte = !fcntl(v.fd, F_SETLK, &lock);
		alarm(HANGS);	/* should its parent end early */
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	if (read(ready[0], &byte, 1) != 1 || !byte)
		errx(2, "no lock to wait for");
	check(cancelled(&v, locks) && !v.steps, "and one that waits in fcntl for a lock");
	kill(child, SIGKILL);
	ended_well(child);
	check(cancelled(&v, closes) && !v.steps && fcntl(v.fd, F_GETFD) >= 0 && maps(&v.s, v.fd),
	      "and one that calls close, which then closes nothing");
	check(cancelled(&v, goes_on) && v.steps == 8,
	      "none is in ioctl, mmap, munmap and dup2 of an import");
	munmap(p, SIZE);
	check(over(&v.s, since), "all of their mappings end");
	close(v.fd);
	for (int i = 0; i < 2; i++)
		close(ends[i]), close(ready[i]);
	subject_free(&v.s);
}

void threads(void)
{
	in_threads();
	in_cancelled_threads();
}

#define STORMS	500
#define IMPORTS	500

static volatile sig_atomic_t storms;

/* Not at an interval, which would leave a slow machine no time for anything else. */
static void next_storm(int us)
{
	const struct itimerval soon = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void storm(int sig)
{
	const int saved = errno, turn = storms++, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int copy = dup(status_drm_file);

	(void)sig;
	dup2(turn & 1 ? null : copy, 100 + turn % 3);
	dup2(status_drm_file, 103);
	close(100 + (turn + 1) % 3);
	if (turn & 4)
		close(103);
	close(copy);
	close(null);
	next_storm(500 + turn % 200);
	errno = saved;
}

static void in_a_storm(int flags, const char *promise)
{
	struct sigaction act = { .sa_handler = storm, .sa_flags = flags }, old;
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	long wrong = 0, rounds = 0;

	status_drm_file = s.fd;
	storms = 0;
	sigaction(SIGALRM, &act, &old);
	next_storm(500);
	while (storms < STORMS || rounds < IMPORTS) {
		const struct subject *now = rounds & 1 ? &t : &s;
		int fd = rounds % 8 ? s.fd : card();
		uint32_t handle = import(fd, &now->e);
		uint8_t *p = map(fd, handle, SIZE, RW);

		wrong += !right(now, p, 0, PAGES);
		wrong += close_handle(fd, handle) != 0;
		wrong += munmap(p, SIZE) != 0;
		if (fd != s.fd)
			close(fd);
		rounds++;
	}
	signal(SIGALRM, SIG_IGN);
	next_storm(0);
	sigaction(SIGALRM, &old, NULL);
	check(!wrong, promise);
	for (int fd = 100; fd <= 103; fd++)
		close(fd);
	check(over(&s, since) && !privates_left(&t), "and all mappings end");
	subject_free(&s);
	subject_free(&t);
}

void signals(void)
{
	in_a_storm(SA_RESTART, "signal handlers open, copy and close descriptors amid imports");
	in_a_storm(0, "and without SA_RESTART");
}
