// SPDX-License-Identifier: MIT
/*
 * A program that gives the shim something to log: it imports, maps and unmaps over the fake kernel.
 * Before, it may change what descriptor 2 is, or its signals; afterwards it says what it finds. It
 * writes nothing to stderr but "data". An ordinary program, which knows nothing of the shim. log.c
 * starts it.
 *
 *   log-client [HOW [PATH]]
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "lib/drivers-client.h"

static volatile sig_atomic_t caught;

static void count(int sig)
{
	caught = sig;
}

static void work(void)
{
	int fd = card(driver), dmabuf = new_dmabuf(SIZE, FILL, true);
	uint32_t handle = 0;
	uint8_t *p = NULL;

	need(dmabuf >= 0 && !import(fd, dmabuf, &handle), "an import");
	/* Natively it may be refused. */
	if (!map(fd, ways(driver), handle, 0, SIZE, &p))
		unmap(p, SIZE);
	close_handle(fd, handle);
	close(dmabuf);
	close(fd);
}

/* On a line that begins with what it is, so that no line in it is taken for another. */
static void show(const char *what, const char *got, ssize_t n)
{
	printf("%s: ", what);
	for (ssize_t i = 0; i < n; i++)
		putchar(got[i] == '\n' ? '|' : got[i]);
	putchar('\n');
}

static void data(void)
{
	need(write(STDERR_FILENO, "data\n", 5) == 5, "its data");
}

/* Descriptor 2 becomes one of the pair, which may have taken the place already. */
static void replace(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] <= STDERR_FILENO)
			fds[i] = fcntl(fds[i], F_DUPFD, 10);
	need(dup2(fds[1], STDERR_FILENO) == STDERR_FILENO, "another descriptor 2");
	close(fds[1]);
}

/* Data in a file, with work before, between and after. */
static void file(const char *path)
{
	close(STDERR_FILENO);
	need(open(path, O_RDWR | O_CREAT | O_APPEND, 0600) == STDERR_FILENO, "a file of its own");
	data();
	work();
	data();
}

static void pipes(const char *path)
{
	char got[4096];
	int fds[2];
	ssize_t n;

	(void)path;
	need(!pipe(fds), "a pipe");
	replace(fds);
	data();
	work();
	data();
	n = read(fds[0], got, sizeof(got));
	show("in its pipe", got, n);
}

static void sockets(const char *path)
{
	char got[4096];
	int fds[2];
	ssize_t n;

	need(!socketpair(AF_UNIX, !strcmp(path, "stream") ? SOCK_STREAM : SOCK_SEQPACKET, 0, fds),
	     "a socket");
	replace(fds);
	work();
	data();
	n = recv(fds[0], got, sizeof(got), 0);
	show("in its socket", got, n);
}

/* What is opened next has the lowest number: the device. */
static void device(const char *path)
{
	int fd;

	(void)path;
	close(STDERR_FILENO);
	fd = card(driver);
	need(fd == STDERR_FILENO, "the device is descriptor 2");
	work();
}

/* Signals that come anyway must find what they found before. */
static void handler(const char *path)
{
	sigset_t before, after;

	(void)path;
	signal(SIGPIPE, count);
	signal(SIGXFSZ, count);
	sigprocmask(SIG_BLOCK, NULL, &before);
	work();
	sigprocmask(SIG_BLOCK, NULL, &after);
	printf("signal %d, the mask is %s\n", (int)caught,
	       memcmp(&before, &after, 8) ? "another" : "the same");
}

static void blocked(const char *path)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (path)
		raise(SIGPIPE);
	work();
	sigpending(&pending);
	printf("pending: SIGPIPE %d, SIGXFSZ %d\n", sigismember(&pending, SIGPIPE),
	       sigismember(&pending, SIGXFSZ));
	/* Not at exit, where it is not looked at any more. */
	fflush(stdout);
	_exit(0);
}

/* As setproctitle() does, which has its room where the environment was. */
static void title(const char *path)
{
	(void)path;
	for (char **e = environ; *e; e++)
		if (!strncmp(*e, "PRIMESHIM_", strlen("PRIMESHIM_")))
			memset(strchr(*e, '=') + 1, 'x', strlen(strchr(*e, '=') + 1));
	work();
}

/* A filter that says EPERM to getpid(). */
static void no_getpid(const char *path)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = { sizeof(code) / sizeof(*code), code };

	(void)path;
	printf("pid %d\n", getpid());
	/* What the fake kernel needs it for has been done by then. */
	work();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &filter))
		exit(77);
}

static void forks(const char *path)
{
	int status;
	pid_t pid;

	(void)path;
	pid = fork();
	if (!pid) {
		work();
		exit(0);
	}
	need(waitpid(pid, &status, 0) == pid, "its child");
	printf("pid %d, child %d\n", getpid(), pid);
}

/* The file that is logged to goes, and another one of that name comes. */
static void rename_log(const char *path)
{
	char old[4096];
	int fd;

	snprintf(old, sizeof(old), "%s.old", path);
	work();
	need(!rename(path, old), "another name for the log");
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	need(fd >= 0 && write(fd, "data\n", 5) == 5, "another file");
	work();
}

/* The log is a pipe that is full for a while. */
static void drain(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);
	char text[4096] = { 0 };
	ssize_t n;

	need(fd >= 0, "a reader");
	while (read(fd, text, sizeof(text)) > 0)
		;
	memset(text, 0, sizeof(text));
	while (write(fd, text, sizeof(text)) > 0)
		;
	work();
	while (read(fd, text, sizeof(text)) > 0)
		;
	work();
	n = read(fd, text, sizeof(text));
	show("in its log", text, n);
}

/* Many lines: more than a pipe or a terminal holds. */
static void much(const char *path)
{
	(void)path;
	for (int i = 0; i < 1500; i++)
		work();
}

/* No file may grow from here on. The fake kernel's are there by then, or smaller. */
static void limited(const char *path)
{
	const struct rlimit lim = { 1 << 20, 1 << 20 };

	work();
	need(!setrlimit(RLIMIT_FSIZE, &lim), "a limit");
	if (path && !strcmp(path, "handler"))
		handler(NULL);
	else if (path)
		blocked(NULL);
	else
		work();
}

static void plain(const char *path)
{
	(void)path;
	work();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *path);
	} ways[] = {
		{ "plain", plain }, { "file", file }, { "pipe", pipes }, { "socket", sockets },
		{ "device", device }, { "handler", handler }, { "blocked", blocked },
		{ "title", title }, { "no-getpid", no_getpid }, { "fork", forks },
		{ "rename", rename_log }, { "much", much },
		{ "limited", limited }, { "drain", drain },
	};
	const char *how = argc > 1 ? argv[1] : "plain";

	mode = "the client";
	driver = fake_drivers;
	*(void **)&new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	need(new_dmabuf != NULL, "the fake kernel");
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (strcmp(ways[i].name, how))
			continue;
		ways[i].run(argc > 2 ? argv[2] : NULL);
		return broken;
	}
	need(false, "a way to go");
	return 1;
}
