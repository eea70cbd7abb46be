// SPDX-License-Identifier: MIT
/* Several descriptors of one open file, several files of one device, one number for many. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <xf86drm.h>
#include <xf86drmMode.h>

#include "process.h"

#define COPIES 5

static void duplicates(void)
{
	struct subject s = subject_new();
	int copies[COPIES], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint64_t off = 0;
	bool ok = true;

	copies[0] = dup(s.fd);
	copies[1] = dup2(s.fd, null);
	copies[2] = dup3(s.fd, 40, O_CLOEXEC);
	copies[3] = fcntl(s.fd, F_DUPFD, 50);
	copies[4] = fcntl(s.fd, F_DUPFD_CLOEXEC, 60);
	for (int i = 0; i < COPIES; i++)
		ok &= maps_at(&s, copies[i]) && maps(&s, copies[i]);
	check(ok && copies[1] == null && copies[2] == 40 && copies[3] == 50 && copies[4] == 60,
	      "an import is mapped through every duplicate of its descriptor");
	check(fcntl(copies[2], F_GETFD) == FD_CLOEXEC && !fcntl(copies[3], F_GETFD) &&
	      fcntl(copies[4], F_GETFD) == FD_CLOEXEC, "which have the flags that were asked for");
	close(s.fd);
	for (int i = 0; i < COPIES; i++) {
		ok &= maps_at(&s, copies[i]) && maps(&s, copies[i]);
		close(copies[i]);
	}
	check(ok, "and when the first, and others, are closed");
	s.fd = card();
	check(map_dumb(s.fd, s.handle, &off) == ENOENT &&
	      map_error(s.fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "with the last of them the handle and the offset are gone");
	subject_free(&s);
}

static void over_others(void)
{
	struct subject s = subject_new(), t = subject_new();
	struct brackets since = brackets_now();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), closed = dup(null);
	struct answers native = { 0 }, shim = { 0 };
	uint8_t *p = map_at(t.fd, t.off, SIZE, PROT_READ);
	uint64_t off = 0;

	close(closed);
	check(dup2(s.fd, s.fd) == s.fd && maps(&s, s.fd), "dup2 onto itself changes nothing");
	check(dup2(closed, s.fd) < 0 && errno == EBADF && dup3(null, s.fd, ~O_CLOEXEC) < 0 &&
	      errno == EINVAL && dup3(s.fd, s.fd, 0) < 0 && errno == EINVAL && maps(&s, s.fd),
	      "nor does one that fails");
	check(dup2(s.fd, t.fd) == t.fd && maps_at(&s, t.fd) && maps(&s, t.fd),
	      "dup2 onto another file's descriptor: its number maps the first's imports");
	check(right(&t, p, 0, PAGES), "and mappings of the other stay");
	munmap(p, SIZE);
	check(over(&t, since), "and end");
	close(s.fd);
	check(maps(&s, t.fd), "it is what remains of the first");

	dup2(null, t.fd);
	answer(&native, "map ioctl", map_dumb(null, s.handle, &off));
	answer(&shim, "map ioctl", map_dumb(t.fd, s.handle, &off));
	answer(&native, "mmap", map_error(null, s.off, PAGE, PROT_READ, MAP_SHARED));
	answer(&shim, "mmap", map_error(t.fd, s.off, PAGE, PROT_READ, MAP_SHARED));
	check(same(&native, &shim), "/dev/null put at its number is /dev/null");
	close(null);
	s.fd = -1;
	subject_free(&s);
	subject_free(&t);
}

/* The descriptor @fd as it comes out of a socket. */
static int received(int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec byte = { .iov_base = &(char){ 0 }, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int pair[2], got = -1;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (sendmsg(pair[0], &msg, 0) == 1 && recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) == 1)
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	close(pair[0]);
	close(pair[1]);
	return got;
}

static void over_a_socket(void)
{
	struct subject s = subject_new(), t;
	int first = received(s.fd), second = received(s.fd);
	uint64_t off = 0;

	check(maps_at(&s, first),
	      "a descriptor from a socket: mmap at the offset known of another");
	check(!map_dumb(second, s.handle, &off) && off == s.off && maps_at(&s, s.fd),
	      "the map ioctl on it, mmap on the other");
	close(s.fd);
	close(first);
	check(maps(&s, second), "it alone, when the others are closed");
	t = subject_on(second);
	first = received(second);
	check(t.handle != s.handle && maps_at(&t, first), "an import made through it, on one more");
	close(first);
	subject_free(&t);
	s.fd = -1;
	subject_free(&s);
}

static void two_files(void)
{
	struct subject s = subject_new(), t = subject_new();
	int both = card();
	uint32_t handle;
	uint64_t off = 0;
	uint8_t *p;

	check(maps(&s, s.fd) && maps(&t, t.fd), "two files of one device: both map");
	check(s.handle == t.handle, "under the same number");
	check(map_dumb(both, s.handle, &off) == ENOENT &&
	      map_error(both, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "a third knows neither");
	import(both, &t.e);
	handle = import(both, &s.e);
	p = map(both, handle, SIZE, PROT_READ);
	check(handle != s.handle && right(&s, p, 0, PAGES) && maps(&s, s.fd),
	      "and has other numbers for the same buffers");
	munmap(p, SIZE);
	close(both);
	check(maps(&s, s.fd) && maps(&t, t.fd), "it goes and leaves the others as they were");
	close_handle(s.fd, s.handle);
	check(map_dumb(s.fd, s.handle, &off) == ENOENT && maps(&t, t.fd),
	      "a handle closed in one is open in the other");
	subject_free(&s);
	subject_free(&t);
}

/* A lease of the first connector and CRTC, or -1. */
static int leased(int fd)
{
	drmModeRes *res = drmModeGetResources(fd);
	uint32_t objects[2], id;
	int lease = -1;

	if (res && res->count_connectors && res->count_crtcs) {
		objects[0] = res->connectors[0];
		objects[1] = res->crtcs[0];
		drmSetMaster(fd);
		lease = drmModeCreateLease(fd, objects, 2, O_CLOEXEC, &id);
	}
	drmModeFreeResources(res);
	return lease;
}

static void lease(void)
{
	struct subject s = subject_new(), t;
	int fd = leased(s.fd);
	uint64_t off = 0;

	if (fd < 0) {
		printf("# skipped: %s makes no lease: %s\n", importer, strerror(errno));
		subject_free(&s);
		return;
	}
	check(map_dumb(fd, s.handle, &off) == ENOENT &&
	      map_error(fd, s.off, PAGE, PROT_READ, MAP_SHARED) == EINVAL,
	      "a lease does not know its lessor's imports");
	t = subject_on(fd);
	check(t.handle == s.handle && maps(&t, fd) && maps(&s, s.fd), "and maps its own");
	subject_free(&t);
	check(maps(&s, s.fd), "it ends and leaves the lessor's");
	subject_free(&s);
}

void files(void)
{
	duplicates();
	over_others();
	over_a_socket();
	two_files();
	lease();
}
