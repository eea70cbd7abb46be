// SPDX-License-Identifier: MIT
/* The fuzzer's steps on descriptors. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "state/descriptor.h"
#include "state/private.h"

#include "fuzz.h"

static unsigned int first_own(struct thread *t)
{
	return FIRST_OWN + t->index * OWN;
}

/* What the shim mistakes for a shared file would be other threads' trouble. */
static bool own_file(int file)
{
	return threads == 1 || file < 0 || file >= SHARED;
}

static bool room(struct thread *t)
{
	int used = 0;

	for (int i = 0; i < FDS; i++)
		used += t->fds[i].number >= 0;
	return used < FDS - 4;
}

void doubt(struct thread *t, int file)
{
	if (file < 0 || !t->struck)
		return;
	t->files[file].split = true;
	for (int i = 0; i < FDS; i++)
		if (t->fds[i].number >= 0 && t->fds[i].file == file)
			t->fds[i].known = false;
	for (int i = 0; i < HANDLES; i++)
		if (t->handles[i].used && t->handles[i].file == file)
			t->handles[i].recorded = t->handles[i].sure = false;
}

/*
 * It has its files in the kernel's order (kcmp), in
 * which others may be looked for on the wrong side.
 */
void muddle(struct thread *t, int file)
{
	t->files[file].muddled = t->disordered = true;
}

/*
 * Low numbers are anybody's. Some descriptors stay there, so that threads use them one after the
 * other; what is in the way of somebody's own numbers moves.
 */
void settle_number(struct thread *t, int fd)
{
	struct fd *f = &t->fds[fd];
	int old = f->number, number;

	if (old < FIRST_OWN && one_in(t, 4))
		return;
	if (old >= (int)first_own(t) && old < (int)first_own(t) + OWN)
		return;
	number = shim_fcntl(old, F_DUPFD_CLOEXEC, (void *)(uintptr_t)first_own(t));
	EXPECT(t, number >= 0, "F_DUPFD: %d", errno);
	EXPECT(t, shim_close(old) == 0, "close: %d", errno);
	f->number = number;
	if (tainted(t, old))
		taint(t, number);
	if (f->file >= 0 && tainted(t, number))
		muddle(t, f->file);
}

void step_open(struct thread *t)
{
	int file = room(t) ? file_pick_new(t) : -1, fd, device;
	char path[] = "/dev/dri/card0";

	if (file < 0)
		return;
	/* Mostly one that needs the shim. */
	device = one_in(t, 8) ? FAKE_FORWARDS : rnd(t, 3);
	path[sizeof(path) - 2] += device;
	t->files[file].device = device;
	t->files[file].read_only = one_in(t, 16);
	fd = fake_open(path, O_CLOEXEC | (t->files[file].read_only ? O_RDONLY : O_RDWR));
	EXPECT(t, fd >= 0, "open: %d", errno);
	log_step(t, "open %s: %d, file %d", path, fd, file);
	settle_number(t, fd_new(t, fd, file, -1, false));
}

/* A number for dup2(): free, in use, or where the shim has something of its own. */
static int target(struct thread *t)
{
	int fd = rnd(t, FDS), n;

	if (threads == 1 && one_in(t, 6))
		for (n = PRIVATE_FIRST; n < PRIVATE_FIRST + 40; n++)
			if (descriptor_private(n))
				return n;
	if (one_in(t, 2) && t->fds[fd].number >= (int)first_own(t) && !t->fds[fd].fixed)
		return t->fds[fd].number;
	return first_own(t) + rnd(t, OWN);
}

void step_dup(struct thread *t)
{
	int fd = fd_pick(t, rnd(t, 4)), kind = rnd(t, 6), to = target(t), old, ret, want = 0;
	bool unseen = t->dirty && kind >= 2 && one_in(t, 12), known, inherits = false;
	struct fd *f;
	int from;

	if (fd < 0 || !room(t))
		return;
	f = &t->fds[fd];
	from = f->number;
	old = fd_at(t, to);
	unseen &= old < 0 || own_file(t->fds[old].file);
	known = f->known && !unseen;
	/* What is wrong about a number becomes wrong about its duplicate: not anybody's. */
	if (tainted(t, from)) {
		kind = kind ? kind : 1;
		inherits = true;
	}
	/* A private one is what nobody has, where the call does not go by the shim. */
	if (unseen && descriptor_private(to))
		return;
	if (one_in(t, 24)) {
		from = ANY_FD - 100;
		want = EBADF;
	}
	if (kind >= 2 && from == to)
		want = kind % 2 ? EINVAL : 0;
	if (!unseen)
		before(t);
	errno = KEPT;
	switch (kind) {
	case 0:
		ret = shim_dup(from);
		break;
	case 1:
		ret = shim_fcntl(from, F_DUPFD_CLOEXEC, (void *)(uintptr_t)first_own(t));
		break;
	case 2:
	case 4:
		ret = unseen ? fake_dup2(from, to) : shim_dup2(from, to);
		break;
	default:
		ret = unseen ? fake_dup3(from, to, O_CLOEXEC) : shim_dup3(from, to, O_CLOEXEC);
	}
	after(t, ret < 0);
	log_step(t, "%sdup kind %d of %d, file %d buf %d, to %d: %d (%d)", unseen ? "unseen " : "",
		 kind, from, f->file, f->buf, to, ret, ret < 0 ? t->err : 0);
	judge(t, ret < 0 ? t->err : 0, want);
	if (t->struck) {
		/* Without another number for what the shim had there a bracket is lost. */
		for (int i = 0; i < BUFS && to >= 700; i++)
			t->bufs[i].loose = true;
		doubt(t, f->file);
		old = kind >= 2 ? fd_at(t, to) : -1;
		if (old >= 0)
			doubt(t, t->fds[old].file);
		known = false;
	}
	if (ret < 0 || from == ret)
		return;
	EXPECT(t, kind < 2 || ret == to, "dup2: %d", ret);
	if (inherits)
		taint(t, ret);
	old = fd_at(t, ret);
	EXPECT(t, kind >= 2 || old < 0, "dup gave a descriptor that is in use");
	if (unseen) {
		t->blurred = true;
		/* The shim takes it for what was there. */
		if (old >= 0 && t->fds[old].file >= 0)
			muddle(t, t->fds[old].file);
		taint(t, ret);
	}
	if (old >= 0) {
		int file = f->file, buf = f->buf;

		fd_gone(t, old);
		old = fd_new(t, ret, file, buf, known);
	} else {
		old = fd_new(t, ret, f->file, f->buf, known);
	}
	if (ret < (int)first_own(t) || ret >= (int)first_own(t) + OWN)
		settle_number(t, old);
}

void step_close(struct thread *t)
{
	int fd = fd_pick(t, rnd(t, 2)), number, file, ret;
	bool unseen = t->dirty && one_in(t, 10);

	if (fd < 0 || t->fds[fd].fixed)
		return;
	number = t->fds[fd].number;
	file = t->fds[fd].file;
	unseen &= number >= (int)first_own(t) && own_file(file);
	if (!unseen)
		before(t);
	errno = KEPT;
	ret = unseen ? fake_close(number) : shim_close(number);
	after(t, ret < 0);
	log_step(t, "%sclose %d, file %d buf %d: %d", unseen ? "unseen " : "", number, file,
		 t->fds[fd].buf, ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	doubt(t, file);
	if (unseen && file >= 0) {
		taint(t, number);
		muddle(t, file);
		t->blurred = true;
	}
	fd_gone(t, fd);
}

void step_close_range(struct thread *t)
{
	unsigned int first = first_own(t) + rnd(t, OWN), last = first + rnd(t, 12), end;
	bool cloexec = one_in(t, 4), all = threads == 1 && few < 0 && one_in(t, 4);
	bool from = false;
	int ret = 0;

	end = first_own(t) + OWN - 1;
	if (last > end)
		last = end;
	if (all) {
		last = ~0U;
		from = one_in(t, 3);
		cloexec &= !from;
	}
	before(t);
	if (from)
		shim_closefrom(first);
	else
		ret = shim_close_range(first, last, cloexec ? 4 : 0);
	after(t, ret < 0);
	log_step(t, "%s %u-%u%s: %d", from ? "closefrom" : "close_range", first, last,
		 cloexec ? " CLOEXEC" : "", ret);
	judge(t, ret < 0 ? t->err : 0, 0);
	for (int i = 0; i < BUFS && t->struck && all; i++)
		t->bufs[i].loose = true;
	for (int i = 0; i < FDS; i++) {
		struct fd *f = &t->fds[i];

		if (f->number < (int)first || (unsigned int)f->number > last)
			continue;
		doubt(t, f->file);
		if (t->struck && f->file >= 0)
			taint(t, f->number);
		if (cloexec || f->fixed)
			continue;
		/* Where it failed it may have got half of the way. */
		if (!ret || fake_fcntl(f->number, F_GETFD) < 0)
			fd_gone(t, i);
	}
}

/* Calls on what is no descriptor of the program's, though it may be one of the shim's. */
void step_bad_fd(struct thread *t)
{
	int to = first_own(t), n = to + 1 + rnd(t, OWN - 1), ret, kind = rnd(t, 5);

	if (threads == 1 && one_in(t, 2))
		for (n = PRIVATE_FIRST; n < PRIVATE_FIRST + 40 && !descriptor_private(n); n++)
			;
	if (fd_at(t, n) >= 0 || (few >= 0 && n >= PRIVATE_FIRST && !descriptor_private(n)))
		return;
	before(t);
	switch (kind) {
	case 0:
		ret = shim_close(n);
		break;
	case 1:
		ret = shim_dup(n);
		break;
	case 2:
		ret = shim_dup2(n, to);
		break;
	case 3:
		ret = shim_dup3(n, to, O_CLOEXEC);
		break;
	default:
		ret = shim_fcntl(n, F_DUPFD, NULL);
	}
	after(t, ret < 0);
	log_step(t, "bad descriptor %d, kind %d: %d", n, kind, ret);
	EXPECT(t, ret < 0, "%d is no descriptor", n);
	judge(t, t->err, EBADF);
	if (fd_at(t, to) >= 0)
		doubt(t, t->fds[fd_at(t, to)].file);
}

void tear_down(struct thread *t)
{
	struct piece *p;

	t->dirty = false;
	for (int i = 0; i < PIECES; i++) {
		p = &t->pieces[i];
		if (!p->addr)
			continue;
		errno = KEPT;
		EXPECT(t, !shim_munmap(p->addr, p->pages * PAGE) && errno == KEPT, "munmap");
		p->addr = NULL;
	}
	for (int i = 0; i < FDS; i++) {
		struct fd *f = &t->fds[i];

		if (f->number < 0 || f->fixed)
			continue;
		errno = KEPT;
		EXPECT(t, !shim_close(f->number) && errno == KEPT, "close %d: %d", f->number,
		       errno);
		fd_gone(t, i);
	}
	while (t->taints) {
		int n = t->tainted[--t->taints];

		EXPECT(t, shim_close(n) < 0 && errno == EBADF, "descriptor %d is left open", n);
	}
	bufs_reap(t);
}
