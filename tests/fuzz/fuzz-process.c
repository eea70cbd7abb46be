// SPDX-License-Identifier: MIT
/* The fuzzer's steps with other processes: fork(), vfork(), descriptors sent by a socket. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>

#include "fuzz.h"

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
	int i = handle_pick(t);
	const struct handle *h;
	const struct ofile *f;

	if (i < 0 || !redirect)
		return -1;
	h = &t->handles[i];
	f = &t->files[h->file];
	*fd = fd_of_file(t, h->file);
	return h->sure && !t->bufs[t->objects[h->object].buf].doubtful && !f->muddled &&
	       !t->disordered &&
	       t->fds[*fd].known && (!f->split || h->via == t->fds[*fd].serial) ? i : -1;
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
	log_step(t, "fork, kind %d: file %d handle %u by %d", kind, t->fds[fd].file,
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
	log_step(t, "vfork");
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
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
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
	EXPECT(t, syscall(SYS_sendmsg, t->socks[0], &m, 0) == 1, "sendmsg: %d", errno);
	EXPECT(t, syscall(SYS_recvmsg, t->socks[1], &m, MSG_CMSG_CLOEXEC) == 1, "recvmsg: %d",
	       errno);
	memcpy(&got, CMSG_DATA(&control.head), sizeof(int));
	log_step(t, "sent %d, file %d buf %d: got %d", t->fds[fd].number, t->fds[fd].file,
		 t->fds[fd].buf, got);
	settle_number(t, fd_new(t, got, t->fds[fd].file, t->fds[fd].buf, false));
}
