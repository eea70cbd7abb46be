// SPDX-License-Identifier: MIT
/*
 * A library whose constructor runs before the shim's, and makes the calls that the shim hooks. Any
 * error ends the process with status 3.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((constructor)) static void early(void)
{
	int fds[2], n = -1, a, b;
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || pipe(fds))
		_exit(3);
	p = mremap(p, 8192, 65536, MREMAP_MAYMOVE);
	if (p == MAP_FAILED || munmap(p, 65536) || ioctl(fds[0], FIONREAD, &n) || n)
		_exit(3);
	a = dup(fds[0]);
	b = fcntl(fds[0], F_DUPFD_CLOEXEC, 30);
	if (a < 0 || b < 30 || dup2(fds[0], 40) != 40 || dup3(fds[0], 41, O_CLOEXEC) != 41)
		_exit(3);
	if (close(a) || close(b) || close(40) || close(41) || close(fds[0]) || close(fds[1]) ||
	    !close(a))
		_exit(3);
}
