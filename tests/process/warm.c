// SPDX-License-Identifier: MIT
/*
 * What the program may not notice of mappings that the shim keeps after their munmap(): a client of
 * the fake kernel's first driver, one promise a rule of src/policy/warm.h. It asks the kernel by
 * raw system calls what is mapped, and is otherwise an ordinary program. For warm.sh.
 *
 *   warm on|off
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>

#include "lib/child.h"
#include "lib/drivers-client.h"

#define RW	(PROT_READ | PROT_WRITE)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef PR_SET_NO_NEW_PRIVS
#define PR_SET_NO_NEW_PRIVS 38
#endif

static void (*fake_brackets)(uint64_t ino, unsigned long *begins, unsigned long *ends);
static void (*fake_busy)(uint64_t ino, bool busy);
static bool on;
static int fd, dmabuf;
static uint32_t handle;
static uint64_t offset;

/* Is anything mapped at all of these addresses? Not by msync(), which the shim sees. */
static bool is_mapped(const void *p, size_t len)
{
	unsigned char pages[SIZE / PAGE];

	return !syscall(SYS_mincore, p, len, pages);
}

/* A raw mmap() from the start of @file, or of anonymous memory. */
static uint8_t *raw_mmap(void *at, size_t len, int prot, int flags, int file)
{
#ifdef SYS_mmap2
	return (uint8_t *)syscall(SYS_mmap2, at, len, prot, flags, file, 0L);
#elif defined(__s390__)
	unsigned long args[] = { (unsigned long)at, len, prot, flags, file, 0 };

	return (uint8_t *)syscall(SYS_mmap, args);
#else
	return (uint8_t *)syscall(SYS_mmap, at, len, prot, flags, file, 0L);
#endif
}

static uint8_t *map_at(uint64_t delta, size_t len, int prot)
{
	uint8_t *p = mmap(NULL, len, prot, MAP_SHARED, fd, offset + delta);

	need(p != MAP_FAILED, "mmap()");
	return p;
}

/* A mapping of all of the import, whose first byte is read, unmapped. */
static uint8_t *unmapped(void)
{
	uint8_t *p = map_at(0, SIZE, RW);

	need(p[0] == FILL, "the pages show the dma-buf");
	need(!munmap(p, SIZE), "munmap()");
	return p;
}

/* The same, and it is kept. */
static uint8_t *kept(void)
{
	uint8_t *p = unmapped();

	need(is_mapped(p, SIZE), "it is kept");
	return p;
}

/* The same, at a place before which nothing is mapped. */
static uint8_t *kept_with_room(void)
{
	uint8_t *full[16], *p;
	size_t n = 0;

	/*
	 * What fills the place sends the next mapping elsewhere: right behind it where the kernel
	 * maps from below, and then it is the room.
	 */
	while (p = kept(), is_mapped(p - PAGE, PAGE) && !(n && p == full[n - 1] + SIZE)) {
		need(n < sizeof(full) / sizeof(*full), "room");
		full[n] = mmap(p, SIZE, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		need(full[n++] == p, "to fill a place");
	}
	while (n)
		munmap(full[--n], SIZE);
	return p;
}

static int descriptors(void)
{
	int n = 0;

	for (int i = 0; i < 8192; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

static uint32_t import_new(int *buf)
{
	uint32_t h = 0;

	*buf = new_dmabuf(SIZE, FILL, true);
	need(*buf >= 0 && !import(fd, *buf, &h), "an import");
	return h;
}

static uint64_t offset_of(uint32_t h)
{
	struct drm_mode_map_dumb m = { .handle = h };

	need(!ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &m), "the map ioctl");
	return m.offset;
}

/* Runs @body in a child; true if it says so. */
static bool in_child(bool (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(body() ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void cycles(void)
{
	unsigned long begins, ends, more, last;
	struct stat st;
	uint8_t *p, *q;

	need(!fstat(dmabuf, &st), "fstat()");
	p = kept();
	fake_brackets(st.st_ino, &begins, &ends);
	q = map_at(0, SIZE, RW);
	check(p == q && q[SIZE - 1] == FILL, "the next mmap() of the same gets the place");
	fake_brackets(st.st_ino, &more, &last);
	check(more == begins + 1 && last == ends, "and a START");
	check(shared(q, dmabuf, 0, SIZE), "the place shows the dma-buf");
	munmap(q, SIZE);
	fake_brackets(st.st_ino, &more, &last);
	check(more == begins + 1 && last == ends + 1, "its munmap() makes an END");
	q = map_at(0, SIZE, RW);
	memset(q, FILL, SIZE);
	munmap(q, SIZE);
	q = map_at(0, SIZE, PROT_READ);
	check(q != p, "another protection gets another place");
	need(!munmap(q, SIZE), "munmap()");
	q = map_at(0, SIZE - PAGE, RW);
	check(q != p, "another length gets another place");
	munmap(q, SIZE - PAGE);
	q = map_at(0, SIZE, RW);
	q[PAGE] = 7;
	munmap(q, SIZE);
	p = map_at(PAGE, SIZE - PAGE, RW);
	check(p[0] == 7, "another part shows that part");
	p[0] = FILL;
	munmap(p, SIZE - PAGE);
	check(is_mapped(p - PAGE, SIZE), "a part is kept with what lies before it");
	q = map_at(PAGE, SIZE - PAGE, RW);
	check(p == q, "the part gets its place");
	munmap(q, SIZE - PAGE);
	munmap(q, SIZE - PAGE);
	p = mmap(NULL, SIZE, RW, MAP_SHARED | MAP_POPULATE, fd, offset);
	need(p != MAP_FAILED && !munmap(p, SIZE), "MAP_POPULATE");
	check(!is_mapped(p, SIZE), "what was mapped with MAP_POPULATE is not kept");
}

static bool nothing(void)
{
	return true;
}

/* Not every libc has these; the shim has. */
static void pkey(void *p, size_t len)
{
	int (*call)(void *p, size_t len, int prot, int pkey);

	*(void **)&call = dlsym(RTLD_DEFAULT, "pkey_mprotect");
	call(p, len, RW, -1);
}

static void remap(void *p, size_t len)
{
	int (*call)(void *p, size_t len, int prot, size_t page, int flags);

	*(void **)&call = dlsym(RTLD_DEFAULT, "remap_file_pages");
	call(p, len, 0, 1, 0);
}

/* What is done to a mapping before its munmap(), so that it is not kept. */
static void not_kept(void)
{
	uint8_t *spot = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	need(!munmap(map_at(0, SIZE, RW), SIZE) && spot != MAP_FAILED, "a spot");
#define GONE(what, change, text)							\
	do {										\
		p = what;								\
		need(p != MAP_FAILED, "mmap()");					\
		change;									\
		need(!munmap(p, SIZE), "munmap()");					\
		check(!is_mapped(p, SIZE), text);					\
	} while (0)
	GONE(mmap(spot, SIZE, RW, MAP_SHARED | MAP_FIXED, fd, offset), (void)0,
	     "what was mapped with MAP_FIXED is not kept");
	GONE(mmap(spot, SIZE, RW, MAP_SHARED, fd, offset), (void)0,
	     "what was mapped with a hint is not kept");
	GONE(map_at(0, SIZE, RW), need(!mprotect(p, PAGE, PROT_READ), "mprotect()"),
	     "a mapping that was mprotect()ed in part is not kept");
	GONE(map_at(0, SIZE, RW), need(!madvise(p, PAGE, MADV_DONTFORK), "madvise()"),
	     "a mapping that was madvise()d is not kept");
	GONE(map_at(0, SIZE, RW), need(!posix_madvise(p, SIZE, POSIX_MADV_RANDOM), "madvise()"),
	     "a mapping that was posix_madvise()d is not kept");
	GONE(map_at(0, SIZE, RW), mlock(p, PAGE),
	     "a mapping that was mlock()ed is not kept");
	GONE(map_at(0, SIZE, RW), pkey(p, PAGE),
	     "a mapping that was pkey_mprotect()ed is not kept");
	GONE(map_at(0, SIZE, RW), remap(p, PAGE),
	     "a mapping whose pages were remapped is not kept");
	GONE(map_at(0, SIZE, RW), p = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, spot),
	     "a mapping that was moved is not kept");
	GONE(map_at(0, SIZE, RW), need(in_child(nothing), "fork()"),
	     "a mapping from before a fork() is not kept");
	p = map_at(0, SIZE, RW);
	need(!munmap(p, PAGE), "munmap() of a part");
	check(!is_mapped(p, PAGE) && is_mapped(p + PAGE, SIZE - PAGE), "a part goes at once");
	need(!munmap(p + PAGE, SIZE - PAGE), "munmap() of the rest");
	check(!is_mapped(p + PAGE, PAGE), "and so does the rest");
#undef GONE
}

/* A part of the import is mapped right behind a kept mapping: what lies before it needs room. */
static void beside(void)
{
	const int flags = MAP_SHARED | MAP_FIXED;
	uint8_t *room = mmap(NULL, 3 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p, *q;

	need(room != MAP_FAILED && !munmap(room + SIZE, SIZE), "room");
	p = kept();
	/* The kernel takes the gap, where nothing else fits. */
	if (p == room + SIZE) {
		munmap(room + 2 * SIZE, SIZE);
		q = mmap(room + 2 * SIZE, SIZE - PAGE, RW, flags, fd, offset + PAGE);
		check(q == room + 2 * SIZE && q[0] == FILL, "a part is mapped right behind it");
		munmap(q, SIZE - PAGE);
	}
	munmap(room, 3 * SIZE);
}

/* The program maps or moves something where natively nothing is. */
static void met(void)
{
	int id = shmget(IPC_PRIVATE, SIZE, IPC_CREAT | 0600);
	uint8_t *mine = mmap(NULL, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *p, *q, *other;
	unsigned char pages[SIZE / PAGE];

	memset(mine, 0x11, SIZE);
	p = kept();
	q = mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	check(q == p + PAGE && !is_mapped(p, PAGE) && !q[0], "MAP_FIXED within it unmaps all");
	q[0] = 0x22;
	other = map_at(0, SIZE, RW);
	check(other != p && q[0] == 0x22, "and the place is not handed out");
	munmap(other, SIZE);
	munmap(q, PAGE);
	p = kept();
	q = mmap(p, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	check(q == p, "MAP_FIXED_NOREPLACE there succeeds");
	munmap(q, SIZE);
	p = kept();
	q = mmap(p, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(q == p, "a hint there is heeded");
	munmap(q, SIZE);
	p = kept();
	q = mmap(p, SIZE, RW, MAP_SHARED, fd, offset);
	check(q == p && q[0] == FILL, "the import itself can be mapped there with a hint");
	munmap(q, SIZE);
	p = kept_with_room();
	q = mmap(p, SIZE - PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, offset + PAGE);
	check(q == p && q[0] == FILL, "and a part of it, which needs room in front");
	munmap(q, SIZE - PAGE);
	p = kept();
	q = mremap(mine, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	check(q == p && q[SIZE - 1] == 0x11, "mremap() moves there");
	p = kept();
	other = mremap(q, SIZE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE);
	check(other == p + PAGE && !is_mapped(p, PAGE), "and leaves nothing beside it");
	munmap(other, PAGE);
	need(id >= 0, "shmget()");
	p = kept();
	q = shmat(id, p, 0);
	check(q == p, "shmat() attaches there");
	if (q != (void *)-1)
		shmdt(q);
	shmctl(id, IPC_RMID, NULL);
	p = kept();
	check(!munmap(p, PAGE) && !is_mapped(p + PAGE, PAGE), "munmap() of a part unmaps all");
	beside();
	p = kept();
	check(mprotect(p, PAGE, PROT_READ) && errno == ENOMEM, "mprotect() there says ENOMEM");
	p = kept();
	check(madvise(p, PAGE, MADV_NORMAL) && errno == ENOMEM, "madvise() there says ENOMEM");
	p = kept();
	check(msync(p, PAGE, MS_ASYNC) && errno == ENOMEM, "msync() there says ENOMEM");
	p = kept();
	check(mincore(p, PAGE, pages) && errno == ENOMEM, "mincore() there says ENOMEM");
	p = kept();
	check(mlock(p, PAGE) && errno == ENOMEM, "mlock() there says ENOMEM");
	p = kept();
	check(mremap(p, SIZE, PAGE, 0) == MAP_FAILED && errno == EFAULT,
	      "mremap() of it says EFAULT");
	p = kept();
	q = mmap(p - PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (q == p - PAGE) {
		check(mremap(q, PAGE, 2 * PAGE, 0) == q, "a mapping before it grows into it");
		munmap(q, 2 * PAGE);
	}
}

static bool foreign_place(uint8_t *p)
{
	uint8_t *q = map_at(0, SIZE, RW);
	bool right = q != p && q[0] == FILL;

	munmap(q, SIZE);
	return right;
}

/* Raw close() of each descriptor of the dma-buf but the program's own. 0, or why not. */
static int descriptor_closed(void)
{
	unsigned long begins, ends, more, last;
	struct stat st, other;
	int closed = 0;
	uint8_t *p;

	kept();
	need(!fstat(dmabuf, &st), "fstat()");
	for (int i = 0; i < 8192; i++)
		if (i != dmabuf && !fstat(i, &other) && other.st_ino == st.st_ino &&
		    other.st_dev == st.st_dev && ++closed)
			syscall(SYS_close, i);
	fake_brackets(st.st_ino, &begins, &ends);
	p = map_at(0, SIZE, RW);
	munmap(p, SIZE);
	fake_brackets(st.st_ino, &more, &last);
	return closed != 1 ? 1 : more != begins + 1 ? 2 : last != ends + 1 ? 3 : 0;
}

/* Raw system calls, which the shim does not see. */
static void raw(void)
{
	uint8_t *p = kept();
	int file = memfd_create("theirs", 0);

	need(!syscall(SYS_munmap, p, SIZE), "a raw munmap()");
	check(foreign_place(p) || is_mapped(p, SIZE), "after a raw munmap() the import is mapped");
	p = kept();
	need((uint8_t *)syscall(SYS_munmap, p, SIZE) == NULL &&
	     mmap(p, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p, "mmap()");
	munmap(p, SIZE);
	p = kept();
	need(!syscall(SYS_munmap, p, SIZE), "a raw munmap()");
	need(raw_mmap(p, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1) == p, "mmap()");
	memset(p, 0x33, SIZE);
	check(foreign_place(p) && p[0] == 0x33 && p[SIZE - 1] == 0x33,
	      "memory that a raw mmap() has put there is not handed out, and stays");
	munmap(p, SIZE);
	check(!descriptor_closed(), "after a raw close() of its descriptor there is a START");
	p = kept();
	need(file >= 0 && !ftruncate(file, SIZE), "a file");
	need(raw_mmap(p, SIZE - PAGE, RW, MAP_SHARED | MAP_FIXED, file) == p, "a raw mmap()");
	check(foreign_place(p) && !p[0], "nor is a file");
	p[0] = 0x44;
	p = kept();
	need(raw_mmap(p, SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1) == p, "mmap()");
	memset(p, 0x33, SIZE);
	close_handle(fd, handle);
	check(is_mapped(p, SIZE) && p[0] == 0x33, "and GEM_CLOSE does not unmap it");
	munmap(p, SIZE);
	close(file);
	need(!import(fd, dmabuf, &handle), "import");
	offset = offset_of(handle);
}

/* Nothing is held that the program has let go of. */
static void ends(void)
{
	uint32_t first = handle, other;
	int before, buf, second, was_fd = fd;
	uint64_t was = offset;
	uint8_t *p, *q;

	other = import_new(&buf);
	offset = offset_of(other);
	before = descriptors();
	p = kept();
	close_handle(fd, other);
	check(!is_mapped(p, SIZE), "GEM_CLOSE of the last handle unmaps it");
	check(descriptors() == before, "and closes the descriptor");
	need(!import(fd, buf, &other), "import");
	offset = offset_of(other);
	p = kept();
	need(!ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB,
		    &(struct drm_mode_destroy_dumb){ .handle = other }), "DESTROY_DUMB");
	check(!is_mapped(p, SIZE), "so does DESTROY_DUMB");
	need(!import(fd, buf, &other), "import");
	offset = offset_of(other);
	q = map_at(0, SIZE, RW);
	close_handle(fd, other);
	munmap(q, SIZE);
	check(!is_mapped(q, SIZE), "a mapping whose handle has gone is not kept");
	fd = card(driver);
	need(!import(fd, buf, &other), "import");
	offset = offset_of(other);
	p = kept();
	second = dup(fd);
	close(fd);
	check(is_mapped(p, SIZE), "a file that has one more descriptor is not over");
	close(second);
	check(!is_mapped(p, SIZE), "the last close() of the file unmaps it");
	fd = card(driver);
	need(!import(fd, buf, &other), "import");
	offset = offset_of(other);
	p = kept();
	need(dup2(was_fd, fd) == fd, "dup2()");
	check(!is_mapped(p, SIZE), "so does a dup2() over it");
	close(fd);
	close(buf);
	fd = was_fd;
	handle = first;
	offset = was;
}

static uint8_t *place;

static bool child_has_none(void)
{
	return !is_mapped(place, SIZE);
}

static bool child_goes_on(void)
{
	uint8_t *p = map_at(0, SIZE, RW);
	bool right = p[0] == FILL;

	return right && !munmap(p, SIZE) && is_mapped(p, SIZE);
}

static void children(void)
{
	pid_t pid;
	int status;

	place = kept();
	check(in_child(child_has_none), "the child of a fork() has none of it");
	check(is_mapped(place, SIZE), "its parent has");
	check(in_child(child_goes_on), "the child keeps mappings of its own");
	place = kept();
	pid = child_by_clone();
	if (!pid) {
		madvise(place, PAGE, MADV_NORMAL);
		_exit(is_mapped(place, SIZE));
	}
	check(waitpid(pid, &status, 0) == pid && !status,
	      "the child of a raw clone() has none of it after its first call");
}

static bool limit_space(void)
{
	const struct rlimit most = { (rlim_t)1 << 40, (rlim_t)1 << 40 };
	uint8_t *p = kept();

	return !setrlimit(RLIMIT_AS, &most) && !is_mapped(p, SIZE) &&
	       !is_mapped(unmapped(), SIZE);
}

/* By the names for small files, which the test itself does not use. */
static bool limit_narrow(void)
{
	const unsigned long most[2] = { ~0UL >> 1, ~0UL >> 1 };
	int (*set)(int resource, const void *limit);
	uint8_t *p = kept();

	*(void **)&set = dlsym(RTLD_DEFAULT, "setrlimit");
	return !set(RLIMIT_AS, most) && !is_mapped(p, SIZE) && !is_mapped(unmapped(), SIZE);
}

static bool limit_files_narrow(void)
{
	const unsigned long few[2] = { 600, 600 };
	int (*set)(pid_t pid, int resource, const void *limit, void *old);
	uint8_t *p = kept();

	*(void **)&set = dlsym(RTLD_DEFAULT, "prlimit");
	return !set(0, RLIMIT_NOFILE, few, NULL) && !is_mapped(p, SIZE) &&
	       !is_mapped(unmapped(), SIZE);
}

static atomic_bool maps_on;

static void *map_on(void *unused)
{
	(void)unused;
	while (atomic_load(&maps_on))
		unmapped();
	return NULL;
}

/* Nothing is kept that a thread has unmapped while another one sets the limit. */
static bool limit_amid(void)
{
	const struct rlimit most = { (rlim_t)1 << 40, RLIM_INFINITY };
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	pthread_t thread;

	for (int i = 0; i < 1000; i++) {
		uint8_t *p = kept();

		atomic_store(&maps_on, true);
		need(!pthread_create(&thread, NULL, map_on, NULL), "a thread");
		usleep(i % 32);
		atomic_store(&maps_on, false);
		need(!setrlimit(RLIMIT_AS, &most), "setrlimit()");
		pthread_join(thread, NULL);
		if (is_mapped(p, SIZE))
			return false;
		need(!setrlimit(RLIMIT_AS, &any), "setrlimit()");
	}
	return true;
}

static bool limit_files(void)
{
	const struct rlimit few = { 600, 600 };
	uint8_t *p = kept();

	return !prlimit(0, RLIMIT_NOFILE, &few, NULL) && !is_mapped(p, SIZE) &&
	       !is_mapped(unmapped(), SIZE);
}

static bool lock_all(void)
{
	uint8_t *p = kept();

	mlockall(MCL_FUTURE);
	return !is_mapped(p, SIZE) && !is_mapped(unmapped(), SIZE);
}

static bool new_privileges(void)
{
	uint8_t *p = kept();

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !is_mapped(p, SIZE) &&
	       !is_mapped(unmapped(), SIZE);
}

static bool new_root(void)
{
	uint8_t *p = kept();
	int saved = chroot("/var/empty");

	if (saved)
		saved = chroot("/tmp");
	return !is_mapped(p, SIZE) && (saved || !is_mapped(unmapped(), SIZE));
}

static void limits(void)
{
	check(in_child(limit_space), "with RLIMIT_AS nothing is kept");
	check(in_child(limit_narrow), "whichever setrlimit() sets it");
	check(in_child(limit_amid), "nor what a thread unmaps meanwhile");
	check(in_child(limit_files), "with a small RLIMIT_NOFILE nothing is kept");
	check(in_child(limit_files_narrow), "whichever prlimit() sets it");
	check(in_child(lock_all), "after mlockall() nothing is kept");
	check(in_child(new_privileges), "nothing is kept where a filter may follow");
	check(in_child(new_root), "chroot() unmaps all, and nothing is kept without /proc");
}

/* Is nothing mapped at @p? Then something is, from now on. */
static bool occupy(uint8_t *p)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;

	return raw_mmap(p, SIZE, PROT_NONE, flags, -1) == p;
}

static void budget(void)
{
	enum { N = 12 };
	uint32_t h[N];
	int buf[N], before, free_now = 0;
	uint8_t *p[N];
	uint64_t was = offset;
	struct rlimit files, usual = { 1024, 1024 };

	need(!getrlimit(RLIMIT_NOFILE, &files), "getrlimit()");
	usual.rlim_max = files.rlim_max;
	need(!setrlimit(RLIMIT_NOFILE, &usual), "setrlimit()");
	before = descriptors() + N;
	for (int i = 0; i < N; i++) {
		h[i] = import_new(&buf[i]);
		offset = offset_of(h[i]);
		p[i] = unmapped();
		/* Nobody else gets the place. */
		free_now += i >= 8 && occupy(p[i - 8]);
	}
	check(descriptors() - before == 8, "of 1024 descriptors 8 stay with what is kept");
	check(free_now == N - 8, "the oldest goes first");
	for (int i = 0; i < N; i++) {
		if (i < N - 8)
			munmap(p[i], SIZE);
		close_handle(fd, h[i]);
		close(buf[i]);
	}
	check(descriptors() == before - N, "the handles' end closes them");
	offset = was;
	setrlimit(RLIMIT_NOFILE, &files);
}

static void *cycle(void *arg)
{
	for (int i = 0; i < 3000; i++) {
		uint8_t *p = map_at(0, SIZE, RW);

		if (p[0] != FILL || p[SIZE - 1] != FILL)
			*(bool *)arg = false;
		munmap(p, SIZE);
	}
	return NULL;
}

static void threads(void)
{
	enum { N = 4 };
	pthread_t t[N];
	bool right = true;

	for (int i = 0; i < N; i++)
		need(!pthread_create(&t[i], NULL, cycle, &right), "a thread");
	for (int i = 0; i < N; i++)
		pthread_join(t[i], NULL);
	check(right, "threads that map and unmap at once have the dma-buf");
}

/* A handler runs amid the START, which waits for a fence, of an mmap() that gets a kept place. */
static sigjmp_buf jump;
static uint64_t busy_ino;
static volatile pid_t forked;

static void forks(int sig)
{
	(void)sig;
	forked = fork();
	if (forked)
		fake_busy(busy_ino, false);
}

static void jumps(int sig)
{
	(void)sig;
	siglongjmp(jump, 1);
}

static void interrupted_by(void (*handler)(int))
{
	const struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct sigaction act = { .sa_handler = handler };

	sigaction(SIGALRM, &act, NULL);
	fake_busy(busy_ino, true);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static void handlers(void)
{
	volatile int round = 0;
	uint8_t *volatile p = kept();
	int status = 0;
	struct stat st;
	uint8_t *q;

	need(!fstat(dmabuf, &st), "fstat()");
	busy_ino = st.st_ino;
	forked = -1;
	interrupted_by(forks);
	q = map_at(0, SIZE, RW);
	if (!forked)
		_exit(q[0] != FILL);
	check(q == p && forked > 0 && waitpid(forked, &status, 0) == forked && !status,
	      "a handler forks amid the START: the child has the place, too");
	need(!munmap(q, SIZE), "munmap()");
	/* More often than the shim keeps mappings. */
	for (; round < 80; round++) {
		if (!sigsetjmp(jump, 1)) {
			interrupted_by(jumps);
			map_at(0, SIZE, RW);
		}
		fake_busy(busy_ino, false);
		need(!munmap(p, SIZE), "munmap()");
	}
	signal(SIGALRM, SIG_DFL);
	check(kept() && map_at(0, SIZE, RW) == p, "handlers jump amid it: pages are kept again");
	munmap(p, SIZE);
}

int main(int argc, char **argv)
{
	on = argc > 1 && !strcmp(argv[1], "on");
	*(void **)&new_dmabuf = dlsym(RTLD_DEFAULT, "fake_export");
	*(void **)&fake_brackets = dlsym(RTLD_DEFAULT, "fake_brackets");
	*(void **)&fake_busy = dlsym(RTLD_DEFAULT, "fake_busy");
	need(new_dmabuf && fake_brackets && fake_busy, "the fake kernel is there");
	mode = argc > 1 ? argv[1] : "";
	driver = named("vgem");
	fd = card(driver);
	handle = import_new(&dmabuf);
	offset = offset_of(handle);
	if (!on) {
		check(!is_mapped(unmapped(), SIZE), "nothing is kept");
		return broken;
	}
	cycles();
	not_kept();
	met();
	raw();
	ends();
	children();
	handlers();
	limits();
	budget();
	threads();
	return broken;
}
