// SPDX-License-Identifier: MIT
/*
 * Preloaded behind the shim: puts the program's mappings right before the shim's own tables. So a
 * test that maps, unmaps or writes more than it owns dies at once, and not only on a machine whose
 * kernel happens to put them there.
 */
#undef _FILE_OFFSET_BITS	/* each name is defined here by itself */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define SIZE	65536		/* of the mappings of tests/kernel/process */
#define GAP	(64UL << 20)	/* what is free before each table at first */
#define TABLES	64
#define EXPORT	__attribute__((visibility("default")))

static char *tables[TABLES];
static int ntables;

static void *map(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
#ifdef SYS_mmap2
	return (void *)syscall(SYS_mmap2, addr, len, prot, flags, fd, off >> 12);
#else
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
#endif
}

/* Pages of the shim or of libc, or address space reserved for them, with a gap in front. */
static void *table(size_t len, int prot)
{
	char *p =
		map(NULL, GAP + len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return p;
	munmap(p, GAP);
	p += GAP;
	if (mprotect(p, len, prot) < 0)
		return MAP_FAILED;
	if (ntables < TABLES)
		tables[ntables++] = p;
	return p;
}

EXPORT void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (!addr && flags == (MAP_PRIVATE | MAP_ANONYMOUS) &&
	    (prot == PROT_NONE || prot == (PROT_READ | PROT_WRITE)))
		return table(len, prot);
	for (int i = 0; i < ntables && !addr && flags == MAP_SHARED && len == SIZE; i++) {
		void *p = map(tables[i] - len, len, prot, flags | MAP_FIXED_NOREPLACE, fd, off);

		if (p != MAP_FAILED)
			return p;
	}
	return map(addr, len, prot, flags, fd, off);
}

#ifndef mmap64	/* of musl it is another name for mmap */
EXPORT void *mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off)
{
	return mmap(addr, len, prot, flags, fd, off);
}
#endif
