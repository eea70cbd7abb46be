// SPDX-License-Identifier: MIT
/* See run.h. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "run.h"

/* Reads @fd to its end. */
static char *read_end(int fd)
{
	FILE *f = fdopen(fd, "r");
	char *text = NULL;
	size_t room = 0;

	if (!f)
		err(2, "memory");
	if (getdelim(&text, &room, '\0', f) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

char *run_program(char *const *argv, char *const *env, bool from_err, bool quiet, int *status)
{
	int from = from_err ? STDERR_FILENO : STDOUT_FILENO, fds[2], failed, ignored;
	posix_spawn_file_actions_t acts;
	char *said;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return NULL;
	posix_spawn_file_actions_init(&acts);
	if (quiet)
		posix_spawn_file_actions_addopen(&acts, STDOUT_FILENO + STDERR_FILENO - from,
						 "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&acts, fds[1], from);
	failed = posix_spawnp(&pid, argv[0], &acts, NULL, argv, env);
	posix_spawn_file_actions_destroy(&acts);
	close(fds[1]);
	if (failed) {
		close(fds[0]);
		errno = failed;
		return NULL;
	}
	said = read_end(fds[0]);
	while (waitpid(pid, status ? status : &ignored, 0) < 0 && errno == EINTR)
		;
	return said;
}

char *run_find(const char *const *places)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len < 0 ? 0 : len] = '\0';
	dirname(self);
	for (; *places; places++) {
		char *path = **places == '/' ? memory_text("%s", *places) :
					       memory_text("%s/%s", self, *places);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}
