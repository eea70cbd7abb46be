// SPDX-License-Identifier: MIT
/*
 * A program that puts its own descriptors wherever it likes, while its other threads map imports.
 * Its descriptors stay where they are until it closes them, and the shim's stay as well.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "safety.h"

#define TRIED	3	/* numbers, from that of a private descriptor on */

static int card, dmabuf, second, base;
static int own;			/* what is put there */
static struct stat own_is;
static atomic_bool done;
static atomic_ulong wrong;

static int (*range)(unsigned int first, unsigned int last, int flags);

/* One of the shim's for the same dma-buf has O_CLOEXEC. */
static bool is_own(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == own_is.st_ino && st.st_dev == own_is.st_dev &&
	       !fcntl(fd, F_GETFD);
}

/* Of two, each with a buffer of its own, so that what is kept of one is soon the other's. */
static void *mapper(void *arg)
{
	int d = arg ? new_dmabuf() : dmabuf;

	while (!done)
		wrong += turn(card, d) != 0;
	if (arg)
		close(d);
	return NULL;
}

static int put(unsigned int how, int to)
{
	switch (how) {
	case 0:
		return fcntl(own, F_DUPFD, to);
	case 1:
		return dup3(own, to, 0);
	default:
		return dup2(own, to);
	}
}

/* @fd: what the program puts everywhere. */
static void replace(int fd, const char *name)
{
	unsigned long n = rounds(20000), gone = 0, refused = 0, kept = 0;
	int before = descriptors(NULL, 0);
	struct brackets now;
	pthread_t t[2];

	own = fd;
	need(!fstat(own, &own_is), "fstat");
	done = false;
	wrong = 0;
	for (int i = 0; i < 2; i++)
		need(!pthread_create(&t[i], NULL, mapper, i ? &done : NULL), "a thread");
	for (unsigned long i = 0; i < n; i++) {
		int to = put(i / TRIED % 5, base + i % TRIED);

		if (to < 0) {
			refused++;
			continue;
		}
		gone += !is_own(to);
		kept += (i % 7 || !range ? close(to) : range(to, to, 0)) != 0;
		step();
	}
	done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	check(!gone, "%s put amid maps and unmaps: %lu of %lu were gone", name, gone, n);
	check(!refused && !kept, "and %lu could not be put, %lu not closed", refused, kept);
	check(!wrong, "%lu imports that were mapped meanwhile went wrong", wrong);
	check(descriptors(NULL, 0) == before, "%d descriptors more than before",
	      descriptors(NULL, 0) - before);
	now = brackets(ino_of(dmabuf));
	check(now.begins == now.ends && !fake.bracket_faults(), "%lu brackets begun, %lu ended",
	      now.begins, now.ends);
	turn(card, dmabuf);
	check(brackets(ino_of(dmabuf)).begins == now.begins + shimmed, "the next map is bracketed");
}

static void start(void)
{
	range = (int (*)(unsigned int, unsigned int, int))dlsym(RTLD_DEFAULT, "close_range");
	card = card_open(false);
	dmabuf = new_dmabuf();
	second = new_dmabuf();
	base = private_number(card);
	fake.jitter(16);
}

void numbers(void)
{
	struct brackets now;
	int other;

	start();
	replace(open("/dev/null", O_RDWR), "a file");
	replace(fcntl(dmabuf, F_DUPFD, 3), "the dma-buf itself");
	other = fcntl(new_dmabuf(), F_DUPFD, 3);
	replace(other, "another dma-buf");
	now = brackets(ino_of(other));
	check(!now.begins && !now.ends, "which is begun %lu times, ended %lu times", now.begins,
	      now.ends);
}

static int full = -1, peer;	/* a socket that lingers when it is closed, until its peer reads */

static void *lingerer(void *arg)
{
	(void)arg;
	if (dup2(full, base) == base && !close(full))
		close(base);
	done = true;
	return NULL;
}

/*
 * A socket whose close() takes ten seconds, unless its peer is read before; false: there is none.
 */
static bool linger(void)
{
	const struct linger ten = { .l_onoff = 1, .l_linger = 10 };
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr *to = (struct sockaddr *)&at;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);
	static char data[65536];

	full = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, to, len) || listen(listener, 1) || getsockname(listener, to, &len) ||
	    connect(full, to, len) || (peer = accept(listener, NULL, NULL)) < 0)
		return false;
	while (send(full, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	close(listener);
	return !setsockopt(full, SOL_SOCKET, SO_LINGER, &ten, sizeof(ten));
}

/*
 * One thread closes what takes its time, at a number like that of a private descriptor. What others
 * do with their own meanwhile does not wait for that.
 */
void slow(void)
{
	static char data[65536];
	bool waited;
	pthread_t t;

	start();
	need(dup2(dmabuf, base + 1) == base + 1, "dup2");
	if (!linger()) {
		printf("# skipped: no sockets\n");
		return;
	}
	done = false;
	need(!pthread_create(&t, NULL, lingerer, NULL), "a thread");
	nap(500000);
	waited = done;
	check(dup2(second, base + 2) == base + 2 && !close(base + 1) && !close(base + 2) &&
	      !turn(card, second), "dup2(), close() and a map beside a close() that waits");
	check(!waited && !done, "and they did not wait for it");
	while (!done && read(peer, data, sizeof(data)) > 0)
		;
	pthread_join(t, NULL);
}

static volatile sig_atomic_t turns, held = -1;
static volatile unsigned long lost;

/* Every second one stays until the next signal. */
static void put_in_handler(int sig)
{
	int saved = errno, to = base + turns % TRIED;

	(void)sig;
	if (held >= 0) {
		lost += !is_own(held) || close(held);
		held = -1;
	} else {
		lost += dup2(own, to) != to || !is_own(to);
		if (turns & 1)
			held = to;
		else
			lost += close(to) != 0;
	}
	/* Natively a system call is one in a handler, too. */
	if (turns % 4 == 3)
		wrong += turn(card, second) != 0;
	turns++;
	errno = saved;
}

static void handle(int fd, const char *name)
{
	const struct sigaction act = { .sa_handler = put_in_handler, .sa_flags = SA_RESTART };
	sig_atomic_t armed = -1, n = rounds(1500);
	int before = descriptors(NULL, 0);
	struct brackets now;

	own = fd;
	need(!fstat(own, &own_is) && !sigaction(SIGALRM, &act, NULL), "fstat, sigaction");
	turns = 0;
	lost = 0;
	wrong = 0;
	while (turns < n) {
		if (armed != turns) {
			armed = turns;
			alarm_in(1 + dice(300));
		}
		wrong += turn(card, dmabuf) != 0;
		step();
	}
	if (held >= 0)
		lost += !is_own(held) || close(held);
	held = -1;
	check(!lost, "%s put by a signal handler amid maps and unmaps: %lu of %ld were gone",
	      name, lost, (long)n);
	check(!wrong, "%lu imports that were mapped meanwhile went wrong", wrong);
	check(descriptors(NULL, 0) == before, "%d descriptors more than before",
	      descriptors(NULL, 0) - before);
	now = brackets(ino_of(dmabuf));
	turn(card, dmabuf);
	check(brackets(ino_of(dmabuf)).begins == now.begins + shimmed, "the next map is bracketed");
}

void handler(void)
{
	start();
	handle(open("/dev/null", O_RDWR), "a file");
	handle(fcntl(dmabuf, F_DUPFD, 3), "the dma-buf itself");
}

/* A raw close() of what the program cannot know to be ours; the number goes to @other. */
static void take_number(int other, bool is_dmabuf, const char *name)
{
	int d = new_dmabuf(), d2 = new_dmabuf(), number = -1, got;
	uint64_t ino = ino_of(d), ino2 = ino_of(d2), ino3 = ino_of(other);
	unsigned long strays = fake.strays();
	uint32_t h = 0, h2 = 0;
	uint8_t *p, *q = NULL;

	need(!import(card, d, &h) && !import(card, d2, &h2), "import");
	close(d);
	close(d2);
	need(!map(card, h, &p) && !map(card, h2, &q), "map");
	descriptors_of(ino, &number);
	need(shimmed ? number >= 0 : number < 0, "a private descriptor");
	if (number < 0)
		number = base;
	else
		syscall(SYS_close, number);
	got = fcntl(other, F_DUPFD, number);
	need(got == number, "the same number");
	/* The end finds out, or the begin. */
	check(!end(card, h) && !begin(card, h) && !submit(card) && !begin(card, h),
	      "%s at a number closed by a raw system call: begins and ends succeed", name);
	check(fake.strays() == strays, "and nothing is sent there");
	check(!is_dmabuf || (!brackets(ino3).begins && !brackets(ino3).ends),
	      "nor to another's buffer");
	check(!end(card, h2) && !begin(card, h2) && begun(ino2) == shimmed,
	      "the exporter's other buffers are bracketed");
	check(ino_of(got) == ino3, "the program's descriptor stays");
	check(shows(p) && !munmap(p, size) && ino_of(got) == ino3 && !close(got),
	      "also when the buffer is unmapped");
	d = new_dmabuf();
	ino = ino_of(d);
	need(!close_handle(card, h) && !import(card, d, &h), "import");
	need(!map(card, h, &p), "map");
	check(begun(ino) == shimmed, "and so is the next one");
	munmap(p, size);
	munmap(q, size);
	close_handle(card, h);
	close_handle(card, h2);
	close(d);
}

void closed_raw(void)
{
	int pipes[2], before;

	start();
	before = descriptors(NULL, 0);
	need(!pipe(pipes), "pipe");
	take_number(pipes[0], false, "a pipe");
	close(pipes[0]);
	close(pipes[1]);
	take_number(pipes[0] = new_dmabuf(), true, "another dma-buf");
	close(pipes[0]);
	take_number(pipes[0] = card_open(false), false, "a card");
	close(pipes[0]);
	check(descriptors(NULL, 0) == before, "no descriptor is left");
}
