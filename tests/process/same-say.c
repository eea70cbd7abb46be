// SPDX-License-Identifier: MIT
/*
 * The transcript of a program of random calls; see same.h. Nothing here allocates, and each line is
 * one write(), so that children of every kind can write lines, and threads do not mix theirs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "same.h"

void say(struct prog *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->line + p->used, sizeof(p->line) - p->used - 1, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->used += n;
	if (p->used > sizeof(p->line) - 2)
		p->used = sizeof(p->line) - 2;
}

void said(struct prog *p)
{
	char head[96];
	int n;

	if (!p->used)
		return;
	n = snprintf(head, sizeof(head), "%s %d ", p->prefix, p->step);
	if (p->used > sizeof(p->line) - 1 - n)
		p->used = sizeof(p->line) - 1 - n;
	memmove(p->line + n, p->line, p->used);
	memcpy(p->line, head, n);
	p->line[p->used + n] = '\n';
	if (write(1, p->line, p->used + n + 1) < 0)
		_exit(99);
	p->used = 0;
}

const char *errno_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EINTR, "EINTR" }, { EIO, "EIO" },
		{ ENXIO, "ENXIO" }, { EBADF, "EBADF" }, { EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" }, { EACCES, "EACCES" }, { EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" }, { EEXIST, "EEXIST" }, { ENODEV, "ENODEV" },
		{ EINVAL, "EINVAL" }, { ENFILE, "ENFILE" }, { EMFILE, "EMFILE" },
		{ ENOTTY, "ENOTTY" }, { ENOSPC, "ENOSPC" }, { EPIPE, "EPIPE" },
		{ ENOSYS, "ENOSYS" }, { ECHILD, "ECHILD" }, { EOPNOTSUPP, "EOPNOTSUPP" },
		{ EOVERFLOW, "EOVERFLOW" }, { ESPIPE, "ESPIPE" }, { ESTALE, "ESTALE" },
		{ KEPT, "errno unchanged" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].err == err)
			return names[i].name;
	return "another error";
}

void result(struct prog *p, long ret)
{
	if (ret == -1)
		say(p, " = %s", errno_name(p->err));
	else
		say(p, " = %ld%s", ret, p->err == KEPT ? "" : ", errno changed");
}

static struct ident *ident(struct prog *p, const struct stat *st, const char *kind)
{
	struct ident *id;
	int n = 1;

	for (int i = 0; i < p->idents_used; i++) {
		id = &p->idents[i];
		if (id->dev == (uint64_t)st->st_dev && id->ino == (uint64_t)st->st_ino)
			return id;
		n += !strncmp(id->text, kind, strlen(kind));
	}
	id = &p->idents[p->idents_used < IDENTS ? p->idents_used++ : IDENTS - 1];
	id->dev = st->st_dev;
	id->ino = st->st_ino;
	id->pages = st->st_size / PAGE;
	snprintf(id->text, sizeof(id->text), "%s%d", kind, n);
	return id;
}

static bool is_dmabuf(const struct stat *st)
{
	return !(st->st_mode & S_IFMT);
}

struct ident *ident_of(struct prog *p, int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) || !is_dmabuf(&st) ? NULL : ident(p, &st, "dmabuf");
}

int file_of(struct prog *p, int fd)
{
	struct stat st;
	int i = 1;

	if (fd < 0 || fstat(fd, &st) || !S_ISCHR(st.st_mode) || major(st.st_rdev) != 226)
		return 0;
	/* The fake kernel's open files are sockets, as this call tells, which it leaves alone. */
	if (fstatat(fd, "", &st, AT_EMPTY_PATH))
		return 0;
	while (i <= p->files_used &&
	       (p->files[i].dev != (uint64_t)st.st_dev || p->files[i].ino != (uint64_t)st.st_ino))
		i++;
	if (i > p->files_used) {
		if (p->files_used == FILES - 1)
			return 0;
		p->files_used++;
		p->files[i].dev = st.st_dev;
		p->files[i].ino = st.st_ino;
	}
	return i;
}

const char *label(struct prog *p, int fd)
{
	static __thread char text[32];
	struct stat st;

	if (fstat(fd, &st))
		return errno == EBADF ? "nothing" : "?";
	if (is_dmabuf(&st))
		return ident(p, &st, "dmabuf")->text;
	switch (st.st_mode & S_IFMT) {
	case S_IFIFO:
		return ident(p, &st, "pipe")->text;
	case S_IFSOCK:
		return ident(p, &st, "socket")->text;
	case S_IFREG:
		return ident(p, &st, "file")->text;
	case S_IFCHR:
		if (major(st.st_rdev) == 226) {
			snprintf(text, sizeof(text), "card%d.%d", (int)minor(st.st_rdev),
				 file_of(p, fd));
			return text;
		}
		return "chr";
	}
	return "other";
}

/*
 * As /proc/self/fd has it below HIGH. Above are the shim's own (documented), so there only those
 * count that the program has put there.
 */
void say_view(struct prog *p, bool whole)
{
	static const char *const modes[] = { "r", "w", "rw", "?" };
	char text[sizeof(p->view)];
	size_t used = 0;
	int low = threads > 1 ? p->low : whole ? 0 : 3;
	int high = threads > 1 ? p->low + p->lows : whole ? HIGH : LOOKED;

	text[0] = '\0';
	for (int fd = low; fd < NUMBERS && used < sizeof(text) - 64; fd++) {
		int flags;

		if ((fd >= high && !p->fds[fd].mine) || (fd < LOOKED && p->filled[fd]))
			continue;
		flags = syscall(SYS_fcntl, fd, F_GETFD, 0);
		if (flags < 0 && !p->fds[fd].mine)
			continue;
		used += snprintf(text + used, sizeof(text) - used, " %d:%s", fd,
				 fd < 3 ? "std" : label(p, fd));
		if (fd >= 3)
			used += snprintf(text + used, sizeof(text) - used, "/%s%s",
					 flags < 0 ? "" :
					 modes[syscall(SYS_fcntl, fd, F_GETFL, 0) & O_ACCMODE],
					 flags > 0 ? "x" : "");
	}
	if (!whole && !strcmp(text, p->view))
		return;
	strcpy(p->view, text);
	say(p, " |%s", text);
}
