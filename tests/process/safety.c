// SPDX-License-Identifier: MIT
/*
 * What is legal, rare, and hard on a library that keeps records behind a program's back: threads
 * and signal handlers that come between, children that no atfork handler sees, the limits of
 * descriptors. Over the fake kernel, natively and under the shim, with the same answers. For
 * safety.sh.
 *
 *   safety native|shim PART [COUNT]
 *
 * Prints "ok - ..." or "not ok - ..." for each promise. Exit status 1 if one is broken. The part
 * runs in a child, which is watched: where nothing moves any more it hangs.
 */
#include "config.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_mode.h>
#include <vmwgfx_drm.h>

#include "safety.h"

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "numbers", numbers },
	{ "slow", slow },
	{ "handler", handler },
	{ "closed-raw", closed_raw },
	{ "limits", limits },
	{ "last", last_ones },
	{ "beyond", beyond },
	{ "tight", tight },
	{ "children", children },
	{ "alone", alone },
	{ "amid", amid },
	{ "left-out", left_out },
	{ "touches", touches },
	{ "exits", exits },
	{ "jumps", jumps },
	{ "leaves", leaves },
	{ "quick", quick },
	{ "begins", begins },
	{ "blocked", blocked },
	{ "cancelled", cancelled },
	{ "opens", opens },
	{ "files", files },
	{ "imports", imports },
	{ "ioctls", ioctls },
};

size_t page, size;
bool shimmed;

struct fake fake;

static unsigned long count;
static atomic_ulong *progress;		/* in memory that the watching parent sees */
static bool broken;

void check(bool ok, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	printf("%s - %s: %s\n", ok ? "ok" : "not ok", shimmed ? "shim" : "native", text);
	broken |= !ok;
}

void need(bool ok, const char *what)
{
	if (ok)
		return;
	check(false, "%s: errno %d", what, errno);
	exit(1);
}

unsigned long rounds(unsigned long usual)
{
	return count ? count : usual;
}

unsigned int dice(unsigned int sides)
{
	static __thread uint32_t seed;

	if (!seed)
		seed = getpid() * 2654435761u ^ (uint32_t)(uintptr_t)&seed;
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % sides;
}

int card_open(bool refuses)
{
	/* As fake.h has them: FAKE_REFUSES, FAKE_FORWARDS. */
	const char *path = refuses ? "/dev/dri/card0" : "/dev/dri/card3";
	int fd = open(path, O_RDWR | O_CLOEXEC);

	need(fd >= 0, path);
	return fd;
}

int new_dmabuf(void)
{
	int fd = fake.export(size, FILL, true);

	need(fd >= 0, "a dma-buf");
	return fd;
}

uint64_t ino_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

int import(int card, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle p = { .fd = dmabuf };

	if (ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &p))
		return errno;
	*handle = p.handle;
	return 0;
}

int map(int card, uint32_t handle, uint8_t **p)
{
	struct drm_mode_map_dumb m = { .handle = handle };
	void *got;

	if (ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &m))
		return errno;
	got = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, card, m.offset);
	if (got == MAP_FAILED)
		return errno;
	*p = got;
	return 0;
}

int close_handle(int card, uint32_t handle)
{
	struct drm_gem_close c = { .handle = handle };

	return ioctl(card, DRM_IOCTL_GEM_CLOSE, &c) ? errno : 0;
}

static int sync_cpu(int card, uint32_t handle, int op)
{
	struct drm_vmw_synccpu_arg s = {
		.op = op, .handle = handle, .flags = drm_vmw_synccpu_read | drm_vmw_synccpu_write,
	};

	return ioctl(card, DRM_IOW(DRM_COMMAND_BASE + DRM_VMW_SYNCCPU, s), &s) ? errno : 0;
}

int begin(int card, uint32_t handle)
{
	return sync_cpu(card, handle, drm_vmw_synccpu_grab);
}

int end(int card, uint32_t handle)
{
	return sync_cpu(card, handle, drm_vmw_synccpu_release);
}

int submit(int card)
{
	struct drm_vmw_execbuf_arg e = { 0 };

	return ioctl(card, DRM_IOW(DRM_COMMAND_BASE + DRM_VMW_EXECBUF, e), &e) ? errno : 0;
}

bool shows(const uint8_t *p)
{
	for (size_t i = 0; i < size; i += page)
		if (p[i] != FILL || p[i + page - 1] != FILL)
			return false;
	return true;
}

int turn(int card, int dmabuf)
{
	uint32_t handle = 0;
	uint8_t *p;

	if (import(card, dmabuf, &handle))
		return 1;
	if (map(card, handle, &p))
		return 2;
	if (!shows(p))
		return 3;
	if (munmap(p, size))
		return 4;
	return close_handle(card, handle) ? 5 : 0;
}

struct brackets brackets(uint64_t ino)
{
	struct brackets b;

	fake.brackets(ino, &b.begins, &b.ends);
	return b;
}

bool begun(uint64_t ino)
{
	struct brackets b = brackets(ino);

	return b.begins == b.ends + 1;
}

int descriptors(int *list, int max)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *entry;
	int n = 0;

	need(d, "/proc/self/fd");
	while ((entry = readdir(d))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] == '.' || fd == dirfd(d))
			continue;
		if (n < max)
			list[n] = fd;
		n++;
	}
	closedir(d);
	return n;
}

int descriptors_of(uint64_t ino, int *last)
{
	static int list[65536];
	int n = descriptors(list, 65536), found = 0;

	for (int i = 0; i < n; i++) {
		if (ino_of(list[i]) != ino)
			continue;
		if (last && (!found || list[i] > *last))
			*last = list[i];
		found++;
	}
	return found;
}

int private_number(int card)
{
	int dmabuf = new_dmabuf(), number = 768;
	uint64_t ino = ino_of(dmabuf);
	uint32_t handle = 0;
	uint8_t *p;

	need(!import(card, dmabuf, &handle), "import");
	close(dmabuf);
	need(!map(card, handle, &p), "map");
	descriptors_of(ino, &number);
	need(!munmap(p, size) && !close_handle(card, handle), "unmap");
	return number;
}

void nap(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

void step(void)
{
	atomic_fetch_add_explicit(progress, 1, memory_order_relaxed);
}

/* Does every thread of @pid sleep? *@ran: how long they have run, where the kernel tells. */
static bool asleep(pid_t pid, unsigned long long *ran)
{
	const struct dirent *entry;
	bool all = true;
	char path[300], text[512], *at;
	DIR *d;
	FILE *f;

	*ran = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (entry = readdir(d))) {
		unsigned long long t;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, entry->d_name);
		f = fopen(path, "re");
		at = f && fgets(text, sizeof(text), f) ? strrchr(text, ')') : NULL;
		all &= at && at[1] == ' ' && at[2] != 'R';
		if (f)
			fclose(f);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, entry->d_name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%llu", &t) == 1)
			*ran += t;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return all;
}

/* The same; with @by_steps it moves while there is progress, else while its threads run. */
static int watch(pid_t pid, int patience, bool by_steps)
{
	unsigned long seen = atomic_load(progress), now;
	unsigned long long ran = 0, before, spent = 0;
	int status, still = 0, since = 0;

	for (unsigned int i = 0;; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		nap(i < 500 ? 50 : 10000);
		if (i < 500 || i % 10)
			continue;
		before = ran;
		/* Ten times a second, or fewer on a busy machine. */
		if (asleep(pid, &ran) && ran == before)
			still++;
		else
			still = 0;
		now = atomic_load(progress);
		spent += ran > before && before ? ran - before : 0;
		if (by_steps && now != seen)
			still = spent = since = 0;
		seen = now;
		if (!by_steps && !still) {
			step();
			seen = atomic_load(progress);
		}
		/* Or it runs in a circle: by seconds of its own, whatever else the machine does. */
		if (still < patience * 10 && spent < patience * 6000000000ULL &&
		    ++since < patience * 100)
			continue;
		kill(by_steps ? -pid : pid, SIGKILL);
		waitpid(pid, &status, 0);
		return HUNG;
	}
}

int await(pid_t pid, int patience)
{
	return watch(pid, patience, false);
}

bool ends_with(pid_t pid, int status)
{
	int got = pid > 0 ? await(pid, 10) : -2;

	if (WIFEXITED(got) && WEXITSTATUS(got) == status)
		return true;
	printf("# a process %s (%#x), instead of exiting with %d\n", got == HUNG ? "hangs" :
	       pid < 0 ? "cannot be made" : WIFSIGNALED(got) ? "was killed" : "exited",
	       (unsigned int)got, status);
	return false;
}

void alarm_in(unsigned int us)
{
	const struct itimerval soon = { .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &soon, NULL);
}

static void *kernel_call(const char *name)
{
	void *f = dlsym(RTLD_DEFAULT, name);

	need(f, name);
	return f;
}

static void run(void (*part)(void), const char *name)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		/* A group of its own, of which nothing is left. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		part();
		exit(broken);
	}
	need(pid > 0, "fork");
	status = watch(pid, 30, true);
	kill(-pid, SIGKILL);
	if (status == HUNG)
		check(false, "%s: hangs after %lu steps", name, atomic_load(progress));
	else if (WIFSIGNALED(status))
		check(false, "%s: signal %d after %lu steps", name, WTERMSIG(status),
		      atomic_load(progress));
	broken |= status != 0;
}

int main(int argc, char **argv)
{
	bool known = false;

	page = sysconf(_SC_PAGESIZE);
	size = PAGES * page;
	setvbuf(stdout, NULL, _IOLBF, 0);
	shimmed = argc > 1 && !strcmp(argv[1], "shim");
	progress = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(progress != MAP_FAILED && argc > 2, "safety native|shim PART [COUNT]");
#ifdef LINKED
	linked_start();
#endif
	fake = (struct fake){
		.export = kernel_call("fake_export"),
		.brackets = kernel_call("fake_brackets"),
		.bracket_faults = kernel_call("fake_bracket_faults"),
		.strays = kernel_call("fake_strays"),
		.busy = kernel_call("fake_busy"),
		.delay = kernel_call("fake_delay"),
		.delayed = kernel_call("fake_delayed"),
		.jitter = kernel_call("fake_jitter"),
	};
	if (!strcmp(argv[2], "executed"))
		return executed();
	/* Whatever the caller has left open would be counted. */
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (strcmp(argv[2], parts[i].name))
			continue;
		known = true;
		run(parts[i].run, parts[i].name);
	}
	need(known, argv[2]);
	return broken;
}
