// SPDX-License-Identifier: MIT
/* Memory of all kinds for memory.c; see memory-places.h. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/drivers-client.h"
#include "memory-places.h"

const char *const places[PLACES] = {
	[AT_END] = "at the end of a page", [ODD] = "unaligned", [READ_ONLY] = "read-only",
	[READ_ONLY_FILE] = "in a read-only file", [SECOND_HALF_READ_ONLY] = "half of it read-only",
	[FIRST_HALF_READ_ONLY] = "the first half of it read-only",
	[SECOND_HALF_CLOSED] = "half of it closed", [CLOSED] = "closed", [UNMAPPED] = "unmapped",
	[BEHIND_END] = "behind a file's end",
	[BEHIND_END_READ_ONLY] = "behind a read-only file's end", [NOWHERE] = "at NULL",
	[KERNELS] = "in the kernel", [LAST_BYTES] = "at the end of memory",
};

/* Four pages, of which the second and the third are @middle and @third. */
static char *pages(int second, int third, int file)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED, "four pages");
	if (file >= 0)
		need(mmap(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file,
			  0) != MAP_FAILED, "a file's pages");
	need(!mprotect(p + PAGE, PAGE, second) && !mprotect(p + 2 * PAGE, PAGE, third), "mprotect");
	return p;
}

char *put(enum place where, const void *from, size_t size)
{
	const int rw = PROT_READ | PROT_WRITE;
	size_t half = size / 8 * 4;
	char *p, *at;
	int file;

	switch (where) {
	case NOWHERE:
		return NULL;
	case KERNELS:
		return (char *)(UINTPTR_MAX / PAGE * PAGE);
	case LAST_BYTES:
		return (char *)(UINTPTR_MAX - 7);
	case READ_ONLY_FILE:
	case BEHIND_END:
	case BEHIND_END_READ_ONLY:
		file = memfd_create("file", MFD_CLOEXEC);
		need(file >= 0 && !ftruncate(file, PAGE), "a file");
		p = pages(rw, rw, file);
		close(file);
		break;
	default:
		p = pages(rw, rw, -1);
	}
	at = where == ODD ? p + 3 * PAGE - size - 1 :
	     where == SECOND_HALF_READ_ONLY || where == SECOND_HALF_CLOSED ||
	     where == FIRST_HALF_READ_ONLY ? p + 2 * PAGE - half :
	     where == READ_ONLY_FILE ? p + PAGE + 64 :
	     where == READ_ONLY || where == CLOSED ? p + PAGE + 64 : p + 3 * PAGE - size;
	if (where != BEHIND_END && where != BEHIND_END_READ_ONLY)
		memcpy(at, from, size);
	switch (where) {
	case READ_ONLY:
	case READ_ONLY_FILE:
	case FIRST_HALF_READ_ONLY:
		mprotect(p + PAGE, PAGE, PROT_READ);
		break;
	case BEHIND_END_READ_ONLY:
	case SECOND_HALF_READ_ONLY:
		mprotect(p + 2 * PAGE, PAGE, PROT_READ);
		break;
	case SECOND_HALF_CLOSED:
		mprotect(p + 2 * PAGE, PAGE, PROT_NONE);
		break;
	case CLOSED:
		mprotect(p + PAGE, PAGE, PROT_NONE);
		break;
	case UNMAPPED:
		munmap(p, 4 * PAGE);
		break;
	default:
		break;
	}
	return at;
}

