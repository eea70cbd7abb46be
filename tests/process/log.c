// SPDX-License-Identifier: MIT
/*
 * Surroundings in which a line on stderr may do harm. log.c starts log-client with a descriptor 2
 * of the given kind and the objects of $PRELOAD preloaded, and says how it ended, how long that
 * took, and what came out of the other end. log.sh compares runs.
 *
 *   log KIND CLIENT [ARG]...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int near = -1, far = -1;	/* what is the client's descriptor 2, and its other end */
static bool background;		/* the client is not its terminal's foreground */

static void need(bool ok, const char *what)
{
	if (!ok)
		err(2, "%s", what);
}

static void both(int fds[2])
{
	near = fds[1];
	far = fds[0];
}

static void closed(void)
{
}

static void pipes(void)
{
	int fds[2];

	need(!pipe2(fds, O_CLOEXEC), "pipe2");
	both(fds);
}

static void dead_pipe(void)
{
	pipes();
	close(far);
	far = -1;
}

/* Filled up to the last byte, by another file that does not block. */
static void fill(int fd, const char *path)
{
	char own[64], zeroes[4096] = { 0 };
	int other;

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	other = open(path ? path : own, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	need(other >= 0, own);
	while (write(other, zeroes, sizeof(zeroes)) > 0)
		;
	while (write(other, zeroes, 1) > 0)
		;
	close(other);
}

static void full_pipe(void)
{
	pipes();
	fill(near, NULL);
}

static void sockets(int type)
{
	int fds[2];

	need(!socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), "socketpair");
	both(fds);
}

static void stream(void)
{
	sockets(SOCK_STREAM);
}

static void datagrams(void)
{
	sockets(SOCK_DGRAM);
}

static void packets(void)
{
	sockets(SOCK_SEQPACKET);
}

static void dead_socket(void)
{
	stream();
	close(far);
	far = -1;
}

static void full_socket(void)
{
	char zeroes[4096] = { 0 };

	stream();
	while (send(near, zeroes, sizeof(zeroes), MSG_DONTWAIT) > 0)
		;
	while (send(near, zeroes, 1, MSG_DONTWAIT) > 0)
		;
}

/* As inetd gives it. */
static void tcp(void)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(at);

	near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(!bind(listener, (struct sockaddr *)&at, len) && !listen(listener, 1) &&
	     !getsockname(listener, (struct sockaddr *)&at, &len) &&
	     !connect(near, (struct sockaddr *)&at, len), "a connection");
	far = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	need(far >= 0, "accept4");
	close(listener);
}

static void terminal(void)
{
	struct termios t;

	far = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(far >= 0 && !grantpt(far) && !unlockpt(far), "a terminal");
	near = open(ptsname(far), O_RDWR | O_NOCTTY | O_CLOEXEC);
	need(near >= 0 && !tcgetattr(near, &t), "its other side");
	/* No "\r". */
	cfmakeraw(&t);
	need(!tcsetattr(near, TCSANOW, &t), "tcsetattr");
}

static void stopped_terminal(void)
{
	terminal();
	need(!tcflow(near, TCOOFF), "tcflow");
}

static void full_terminal(void)
{
	terminal();
	fill(near, ptsname(far));
}

/* stty tostop; and the client is in the background. */
static void tostop(void)
{
	struct termios t;

	terminal();
	need(!tcgetattr(near, &t), "tcgetattr");
	t.c_lflag |= TOSTOP;
	need(!tcsetattr(near, TCSANOW, &t), "tcsetattr");
	background = true;
}

static void file(int flags)
{
	char path[] = "/tmp/log-file-XXXXXX";

	near = mkostemp(path, O_CLOEXEC | flags);
	need(near >= 0 && !unlink(path), "a file");
	far = dup(near);
}

static void regular(void)
{
	file(0);
}

/* As long as the client's limit allows. */
static void long_file(void)
{
	file(O_APPEND);
	need(!ftruncate(near, 1 << 20), "a long file");
}

static void full_device(void)
{
	near = open("/dev/full", O_WRONLY | O_CLOEXEC);
	need(near >= 0, "/dev/full");
}

/* In a session of its own, whose terminal has another foreground. */
static void to_background(void)
{
	pid_t pid;
	int status;

	need(setsid() > 0 && !ioctl(near, TIOCSCTTY, 0), "a session");
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		need(!setpgid(0, 0), "setpgid");
		return;
	}
	setpgid(pid, pid);
	need(waitpid(pid, &status, WUNTRACED) == pid, "waitpid");
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		_exit(100 + WSTOPSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
}

/* What came out at the other end, but for what it was filled with. */
static void print_rest(void)
{
	struct pollfd p = { .fd = far, .events = POLLIN };
	char got[4096];
	ssize_t n;

	if (far < 0)
		return;
	lseek(far, 0, SEEK_SET);
	while (poll(&p, 1, 0) == 1 && p.revents & POLLIN && (n = read(far, got, sizeof(got))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			if (got[i])
				putchar(got[i]);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} kinds[] = {
		{ "closed", closed }, { "pipe", pipes }, { "dead-pipe", dead_pipe },
		{ "full-pipe", full_pipe }, { "stream", stream }, { "datagrams", datagrams },
		{ "packets", packets }, { "dead-socket", dead_socket },
		{ "full-socket", full_socket }, { "tcp", tcp }, { "terminal", terminal },
		{ "stopped-terminal", stopped_terminal },
		{ "full-terminal", full_terminal }, { "tostop", tostop }, { "file", regular },
		{ "long-file", long_file }, { "full-device", full_device },
	};
	const char *preload = getenv("PRELOAD");
	double start, took;
	int status = 0;
	size_t i = 0;
	pid_t pid;

	if (argc < 3)
		errx(2, "see the top of log.c for how to use it");
	while (i < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].name, argv[1]))
		i++;
	if (i == sizeof(kinds) / sizeof(*kinds))
		errx(2, "%s: no such kind", argv[1]);
	kinds[i].make();
	/* What there is for stdout comes by the client, and before what is printed here. */
	setvbuf(stdout, NULL, _IOFBF, 0);
	start = now();
	pid = fork();
	if (!pid) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		if (background)
			to_background();
		close(STDERR_FILENO);
		if (near >= 0 && dup2(near, STDERR_FILENO) < 0)
			_exit(98);
		if (preload && *preload)
			setenv("LD_PRELOAD", preload, 1);
		execv(argv[2], argv + 2);
		_exit(97);
	}
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		took = now() - start;
		if (got == pid || got < 0)
			break;
		if (took > 20) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		usleep(5000);
	}
	close(near);
	if (WIFSIGNALED(status))
		printf("%s: ended by signal %d\n", argv[1], WTERMSIG(status));
	else
		printf("%s: ended with status %d\n", argv[1], WEXITSTATUS(status));
	if (took > 20)
		printf("%s: did not end\n", argv[1]);
	print_rest();
	return 0;
}
