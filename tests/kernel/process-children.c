// SPDX-License-Identifier: MIT
/* Imports and their mappings across fork, vfork, posix_spawn and exec. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "process.h"

extern char **environ;

static bool still(struct brackets since)
{
	struct brackets now = brackets_now();

	return now.begin == since.begin && now.end == since.end;
}

static void forked(void)
{
	struct subject s = subject_new(), t;
	pid_t child = fork();
	uint64_t off = 0;
	uint32_t handle;
	uint8_t *p;

	if (!child)
		_exit(!(maps_at(&s, s.fd) && maps(&s, s.fd)));
	check(ended_well(child) && maps(&s, s.fd), "a child maps its parent's import");

	child = fork();
	if (!child)
		_exit(close_handle(s.fd, s.handle) || map_dumb(s.fd, s.handle, &off) != ENOENT);
	check(ended_well(child), "a child closes its parent's handle");
	check(map_error(s.fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL &&
	      map_dumb(s.fd, s.handle, &off) == ENOENT, "the parent finds it closed");

	t = subject_new();
	handle = import(s.fd, &s.e);
	map_dumb(s.fd, handle, &s.off);
	child = fork();
	if (!child)
		_exit(close_handle(s.fd, handle) || import(s.fd, &t.e) != handle);
	check(ended_well(child), "a child puts another buffer under its number");
	check(map_error(s.fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "at the old offset is nothing");
	p = map(s.fd, handle, SIZE, PROT_READ);
	check(right(&t, p, 0, PAGES), "and the number shows the new buffer");
	munmap(p, SIZE);
	subject_free(&s);
	subject_free(&t);
}

static void brackets_of_a_child(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now(), begun;
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	pid_t child;

	begun = brackets_now();
	child = fork();
	if (!child)
		exit(!right(&s, p, 0, PAGES));
	check(ended_well(child) && still(begun), "a child's exit leaves its parent's bracket open");
	child = fork();
	if (!child)
		exit(munmap(p, SIZE) || privates(&s, NULL));
	check(ended_well(child) && still(begun) && privates(&s, NULL) == 1,
	      "and so does its munmap");
	child = fork();
	if (!child)
		exit(!maps(&s, s.fd) || !map_at(s.fd, s.off, PAGE, PROT_READ)[8]);
	check(ended_well(child) && right(&s, p, 0, PAGES) && privates(&s, NULL) == 1,
	      "and a map of its own");
	munmap(p, SIZE);
	check(over(&s, since), "all of them end");
	subject_free(&s);
}

static void executed(void)
{
	struct subject s = subject_new();
	char fd[16], handle[16], seed[16];
	char *args[] = { "process", (char *)importer, (char *)exporter, "exec-child", fd, handle,
			 seed, NULL };
	pid_t child;

	snprintf(fd, sizeof(fd), "%d", fcntl(s.fd, F_DUPFD, 80));
	snprintf(handle, sizeof(handle), "%u", s.handle);
	snprintf(seed, sizeof(seed), "%d", s.seed);
	child = fork();
	if (!child) {
		/* Mapped at the exec, whose end of the mapping nobody sees. */
		map_at(s.fd, s.off, SIZE, RW);
		execv("/proc/self/exe", args);
		_exit(2);
	}
	check(ended_well(child), "a program that has itself executed with the descriptor");
	check(maps(&s, s.fd), "and its parent maps as before");
	close(atoi(fd));
	subject_free(&s);
}

void exec_child(char **args)
{
	const struct subject s = {
		.e = { .dmabuf = -1 },
		.fd = atoi(args[0]),
		.handle = atoi(args[1]),
		.seed = atoi(args[2]),
	};
	uint64_t off = 0;
	uint8_t *p;

	check(count_fds() == 3 + 4, "executed: no descriptor was handed on but the program's");
	check(!map_dumb(s.fd, s.handle, &off), "executed: the map ioctl gives an offset");
	p = map_at(s.fd, off, SIZE, PROT_READ);
	check(right(&s, p, 0, PAGES), "executed: it shows the right bytes");
	munmap(p, SIZE);
}

static void vforked(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now(), begun;
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), copy = dup(s.fd), kept = -1;
	pid_t child;

	privates(&s, &kept);
	begun = brackets_now();
	child = vfork();
	if (!child) {
		close(copy);
		dup2(null, s.fd);
		dup2(null, kept);
		close_range(3, ~0U, 0);
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	check(ended_well(child) && still(begun), "vfork, close, dup2, close_range and exec");
	check(privates(&s, NULL) == 1 && right(&s, p, 0, PAGES) && maps_at(&s, s.fd) &&
	      maps(&s, copy), "its parent's imports map as before");

	child = vfork();
	if (!child) {
		close(s.fd);
		_exit(0);
	}
	check(ended_well(child) && still(begun) && maps(&s, s.fd), "vfork, close and _exit");
	close(copy);
	close(null);
	munmap(p, SIZE);
	check(over(&s, since), "its parent's bracket ends");
	subject_free(&s);
}

static void spawned(void)
{
	struct subject s = subject_new();
	struct brackets since = brackets_now(), begun;
	uint8_t *p = map_at(s.fd, s.off, SIZE, RW);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *args[] = { "true", NULL };
	posix_spawn_file_actions_t acts;
	pid_t child = -1;

	posix_spawn_file_actions_init(&acts);
	posix_spawn_file_actions_adddup2(&acts, null, s.fd);
	posix_spawn_file_actions_addclose(&acts, s.e.dmabuf);
	posix_spawn_file_actions_addclosefrom_np(&acts, 3);
	begun = brackets_now();
	if (posix_spawn(&child, "/bin/true", &acts, NULL, args, environ))
		child = -1;
	check(ended_well(child) && still(begun), "posix_spawn with file actions");
	check(privates(&s, NULL) == 1 && right(&s, p, 0, PAGES) && maps(&s, s.fd),
	      "its parent's imports map as before");
	posix_spawn_file_actions_destroy(&acts);
	close(null);
	munmap(p, SIZE);
	check(over(&s, since), "its parent's bracket ends");
	subject_free(&s);
}

void children(void)
{
	forked();
	brackets_of_a_child();
	executed();
	vforked();
	spawned();
}
