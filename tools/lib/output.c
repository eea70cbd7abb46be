// SPDX-License-Identifier: MIT
/* See output.h. */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

static void __attribute__((noreturn)) fail(const struct output *o)
{
	int error = errno;

	if (o->temp)
		unlink(o->temp);
	errno = error;
	err(2, "%s", strcmp(o->name, "-") ? o->name : "stdout");
}

static void open_beside(struct output *o)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&o->temp, "%s.XXXXXX", o->path) < 0) {
		o->temp = NULL;
		fail(o);
	}
	fd = mkostemp(o->temp, O_CLOEXEC);
	if (fd < 0) {
		free(o->temp);
		o->temp = NULL;
		fail(o);
	}
	if (fchmod(fd, 0666 & ~mask) < 0)
		fail(o);
	o->file = fdopen(fd, "w");
}

void output_open(struct output *o, const char *name)
{
	struct stat st;

	*o = (struct output){ .name = name };
	/* EPIPE is an error like any other. */
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(name, "-")) {
		o->file = stdout;
		return;
	}
	if (!stat(name, &st)) {
		if (S_ISREG(st.st_mode))
			/* Writes the file that a link leads to, and keeps the link. */
			o->path = realpath(name, NULL);
		else
			o->file = fopen(name, "we");
		if (!o->path && !o->file)
			fail(o);
	} else {
		o->path = strdup(name);
	}
	if (o->path && !access(o->path, F_OK) && access(o->path, W_OK))
		fail(o);
	if (o->path)
		open_beside(o);
	if (!o->file)
		fail(o);
}

void output_done(struct output *o)
{
	/* A full disk may give no error before this. */
	if (fflush(o->file) || ferror(o->file) || (o->file != stdout && fclose(o->file)))
		fail(o);
	if (o->temp && rename(o->temp, o->path) < 0)
		fail(o);
	free(o->temp);
	free(o->path);
}
