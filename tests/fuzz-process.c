// SPDX-License-Identifier: MIT
/* The fuzzer's steps on mremap(), and those that have to do with other processes. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>

#include "fuzz.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum remap { SHRINK, GROW, MOVE, DUPLICATE, KEEP, REMAPS };

/* A place of the thread's own for @pages, clear of [from, from + len). */
static char *place_for(struct thread *t, int pages, const char *from, int len)
{
	int i = piece_pick(t, false);
	struct piece *p;
	char *at;

	if (i < 0)
		return NULL;
	p = &t->pieces[i];
	if (p->pages < pages)
		return NULL;
	at = p->addr + rnd(t, p->pages - pages + 1) * PAGE;
	return at + pages * PAGE <= from || at >= from + len * PAGE ? at : NULL;
}

void step_remap(struct thread *t)
{
	int i = piece_pick(t, true), kind = rnd(t, REMAPS), first = 0, old, pages, flags = 0, want = 0;
	char *from, *to = NULL;
	struct piece now;
	void *out;

	for (int j = 0, used = 0; j < PIECES; j++) {
		used += !!t->pieces[j].addr;
		if (used > PIECES - 6)
			return;
	}
	if (i < 0)
		return;
	now = t->pieces[i];
	old = pages = now.pages;
	if (now.private)
		kind = SHRINK;
	if (one_in(t, 3)) {
		first = rnd(t, old);
		old = pages = 1 + rnd(t, old - first);
	}
	from = now.addr + first * PAGE;
	switch (kind) {
	case SHRINK:
		pages = 1 + rnd(t, old);
		break;
	case GROW:
		flags = MREMAP_MAYMOVE;
		pages = old + 1 + rnd(t, 2);
		break;
	case MOVE:
		flags = MREMAP_MAYMOVE | MREMAP_FIXED;
		pages = old + (one_in(t, 4) ? rnd(t, 2) : 0);
		to = place_for(t, pages, from, old);
		if (!to)
			return;
		break;
	case DUPLICATE:
		flags = MREMAP_MAYMOVE;
		old = 0;
		break;
	default:
		flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
	}
	if (one_in(t, 20)) {
		flags = MREMAP_FIXED;	/* which has to be with MAYMOVE */
		want = EINVAL;
	}
	before(t);
	out = shim_mremap(from, old * PAGE, pages * PAGE, flags, to);
	after(t, out == MAP_FAILED);
	note(t, "mremap %p (page %d of %p, %x), %d pages to %d, flags %d, to %p: %p (%d)",
	     (void *)from, first, (void *)now.addr, t->bufs[now.buf].id, old, pages, flags,
	     (void *)to, out, out == MAP_FAILED ? t->err : 0);
	if (t->struck)
		t->bufs[now.buf].loose = true;
	if (out == MAP_FAILED) {
		/* What the shim keeps before a piece has to go to the new place as well. */
		EXPECT(t, t->err == want || t->struck || (now.inside && flags & MREMAP_FIXED),
		       "mremap: %d instead of %d", t->err, want);
		return;
	}
	EXPECT(t, !want && (!to || out == to), "mremap gave %p", out);
	now.addr = out;
	now.pages = pages;
	now.first += first;
	if (to)
		carve(t, to, pages);
	if (kind != DUPLICATE && kind != KEEP)
		carve(t, from, old);
	piece_new(t, &now);
	piece_check(t, &now);
	piece_write(t, &now);
}

/* What a child does; its steps are few, and change nothing of the parent's but handles. */
static void child(struct thread *t, int kind, int handle, int fd, int piece)
{
	struct handle *h = &t->handles[handle];
	struct drm_gem_close c = { .handle = h->number };
	struct buf *b = &t->bufs[t->objects[h->object].buf];
	struct drm_prime_handle p = { 0 };
	char *out;

	switch (kind) {
	case 0:
		EXPECT(t, !shim_ioctl(t->fds[fd].number, DRM_IOCTL_GEM_CLOSE, &c),
		       "GEM_CLOSE in a child: %d", errno);
		break;
	case 1:
		out = shim_mmap64(NULL, b->pages * PAGE, PROT_READ, MAP_SHARED, t->fds[fd].number,
				  h->offset);
		EXPECT(t, out != MAP_FAILED, "mmap in a child: %d", errno);
		piece_check(t, &(struct piece){
			.addr = out, .pages = b->pages, .prot = PROT_READ,
			.buf = t->objects[h->object].buf,
		});
		EXPECT(t, !shim_munmap(out, b->pages * PAGE), "munmap in a child: %d", errno);
		break;
	case 2:
		EXPECT(t, !shim_close_range(FIRST_OWN, ~0U, 0), "close_range in a child");
		break;
	case 3:
		p.fd = t->fds[fd_pick(t, false)].number;
		EXPECT(t, !shim_ioctl(t->fds[fd].number, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p),
		       "import in a child: %d", errno);
		t->shared[0] = p.handle;
		break;
	}
	if (piece >= 0) {
		piece_check(t, &t->pieces[piece]);
		EXPECT(t, !shim_munmap(t->pieces[piece].addr, t->pieces[piece].pages * PAGE),
		       "munmap in a child: %d", errno);
	}
	_exit(0);
}

static void wait_for(struct thread *t, pid_t pid)
{
	int status;
	pid_t got;

	EXPECT(t, pid > 0, "fork: %d", errno);
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	EXPECT(t, got == pid && !status, "a child: status %x", status);
}

/* An import that works in this process, or -1. */
static int sure_handle(struct thread *t, int *fd)
{
	int h = handle_pick(t);

	if (h < 0)
		return -1;
	*fd = fd_of_file(t, t->handles[h].file);
	return t->handles[h].sure && redirect && !t->bufs[t->objects[t->handles[h].object].buf].doubtful &&
	       !t->files[t->handles[h].file].muddled && t->fds[*fd].known &&
	       (!t->files[t->handles[h].file].split || t->handles[h].via == t->fds[*fd].serial) ?
	       h : -1;
}

void step_fork(struct thread *t)
{
	int kind = rnd(t, 4), h = handle_pick(t), fd = -1, piece = piece_pick(t, true), buf = -1;
	bool primed = false;
	pid_t pid;

	/* In a clean round nothing happens to the parent's handles unseen. */
	if (!t->dirty && !(kind & 1))
		kind |= 2;
	if ((!t->dirty || !room_for_handle(t)) && kind == 3)
		kind = 1;
	if (kind == 1) {
		h = sure_handle(t, &fd);
	} else if (kind == 3) {
		fd = fd_pick(t, true);
		buf = fd_pick(t, false);
		h = h < 0 ? 0 : h;
		if (buf < 0)
			return;
	} else if (h >= 0) {
		fd = fd_of_file(t, t->handles[h].file);
	}
	if (h < 0 || fd < 0)
		return;
	/* A bracket that a child opens for a buffer that stays mapped ends with it, unseen. */
	if (piece >= 0)
		t->bufs[t->pieces[piece].buf].loose = true;
	if (kind == 1)
		t->bufs[t->objects[t->handles[h].object].buf].loose = true;
	note(t, "fork, kind %d: file %d handle %u by %d", kind, t->fds[fd].file,
	     t->handles[h].number, t->fds[fd].number);
	if (kind == 3) {
		/* The child picks the same descriptor, as it goes on with the same numbers. */
		uint64_t random = t->random;

		buf = t->fds[fd_pick(t, false)].buf;
		t->random = random;
		for (int i = 0; i < HANDLES; i++)
			if (t->handles[i].used && t->handles[i].file == t->fds[fd].file &&
			    t->objects[t->handles[i].object].buf == buf)
				primed = true;
		if (primed)
			return;
	}
	pid = fork();
	if (!pid) {
		t->child = true;
		child(t, kind, h, fd, piece);
	}
	wait_for(t, pid);
	if (kind == 0) {
		closed_unseen(t, h);
		handle_gone(t, h);
	}
	if (kind == 3) {
		int file = t->fds[fd].file;

		t->blurred = true;
		h = handle_add(t, file, object_new_of(t, t->files[file].device, buf,
						      t->bufs[buf].origin != t->files[file].device),
			       t->shared[0]);
		t->handles[h].primed = true;
	}
}

/* In the memory of its parent, with descriptors of its own. */
__attribute__((noinline)) static pid_t in_vfork(const int *numbers, int n)
{
	pid_t pid = vfork();

	if (pid)
		return pid;
	for (int i = 0; i < n; i++)
		if (numbers[i] >= 0)
			i % 2 ? shim_close(numbers[i]) : shim_dup2(numbers[0], numbers[i]);
	_exit(shim_close_range(FIRST_OWN, ~0U, 0) || shim_close_range(FIRST_OWN, 700, 0));
}

void step_vfork(struct thread *t)
{
	int numbers[FDS];

	for (int i = 0; i < FDS; i++)
		numbers[i] = t->fds[i].number;
	if (numbers[0] < 0)
		return;
	note(t, "vfork");
	wait_for(t, in_vfork(numbers, FDS));
}

/* A descriptor comes back by a socket: a duplicate that the shim has not seen being made. */
void step_send(struct thread *t)
{
	int fd = fd_pick(t, rnd(t, 3)), got = -1;
	struct iovec iov = { &(char){ 'x' }, 1 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	} };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	for (int i = 0, used = 0; i < FDS; i++) {
		used += t->fds[i].number >= 0;
		if (used > FDS - 6)
			return;
	}
	if (fd < 0)
		return;
	memcpy(CMSG_DATA(&control.head), &t->fds[fd].number, sizeof(int));
	EXPECT(t, sendmsg(t->socks[0], &m, 0) == 1, "sendmsg: %d", errno);
	EXPECT(t, recvmsg(t->socks[1], &m, MSG_CMSG_CLOEXEC) == 1, "recvmsg: %d", errno);
	memcpy(&got, CMSG_DATA(&control.head), sizeof(int));
	note(t, "sent %d, file %d buf %d: got %d", t->fds[fd].number, t->fds[fd].file,
	     t->fds[fd].buf, got);
	settle_number(t, fd_new(t, got, t->fds[fd].file, t->fds[fd].buf, false));
}
