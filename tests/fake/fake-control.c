// SPDX-License-Identifier: MIT
/* How a test controls and queries the fake kernel; see fake.h. Each thread has its own faults. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake-internal.h"

static struct kernel *k(void)
{
	return atomic_load(&kernel);
}

/* Not to be allocated at first use, which may be in an allocator. */
static __thread struct {
	bool armed, struck;
	enum fake_call call;
	unsigned int nth;
	int err;
} armed __attribute__((tls_model("initial-exec")));

void fake_fault(enum fake_call call, unsigned int nth, int err)
{
	armed.armed = true;
	armed.struck = false;
	armed.call = call;
	armed.nth = nth;
	armed.err = err;
}

bool fake_fault_clear(void)
{
	bool struck = armed.struck;

	armed.armed = armed.struck = false;
	return struck;
}

static bool strikes(enum fake_call call)
{
	if (!armed.armed || (armed.call != FAKE_ANY && armed.call != call) || armed.nth--)
		return false;
	armed.armed = false;
	armed.struck = true;
	return true;
}

void fake_jitter(unsigned int one_in)
{
	if (kernel_start())
		k()->jitter = one_in;
}

/* Also in a signal handler, and in a child that shares its parent's memory. */
static void jitter(void)
{
	static __thread uint32_t seed __attribute__((tls_model("initial-exec")));
	uint32_t mixed;
	int saved = errno;

	if (!k() || !k()->jitter)
		return;
	mixed = (++seed + (uint32_t)(uintptr_t)&seed) * 2654435761u;
	if ((mixed >> 8) % k()->jitter == 0)
		raw_sleep(mixed >> 27);
	errno = saved;
}

bool struck(enum fake_call call)
{
	jitter();
	if (armed.err == -SIGBUS || !strikes(call))
		return false;
	errno = armed.err;
	return true;
}

bool struck_pages(void)
{
	return armed.err == -SIGBUS && strikes(FAKE_MMAP);
}

int fake_export(size_t size, uint8_t fill, bool writable)
{
	uint64_t page = sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
	struct stat st = { 0 };
	struct locked l;
	uint32_t d;
	int fd, ro;

	fd = !whole || whole < size ? -EINVAL : !kernel_start() ? -ENOMEM : memory_new(whole, fill);
	if (fd >= 0 && !writable) {
		ro = memory_reopen(fd, O_RDONLY);
		raw_close(fd);
		fd = ro;
	}
	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	raw_fstat(fd, &st);
	l = kernel_lock();
	d = dmabuf_new(st.st_ino, whole, FOREIGN);
	kernel_unlock(l);
	if (d)
		return fd;
	raw_close(fd);
	errno = ENOMEM;
	return -1;
}

int fake_export_unmappable(size_t size, uint8_t fill)
{
	int fd = fake_export(size, fill, true);
	struct locked l;

	if (fd >= 0) {
		l = kernel_lock();
		k()->dmabufs[dmabuf_of(fd)].unmappable = true;
		kernel_unlock(l);
	}
	return fd;
}

unsigned long fake_device_maps(void)
{
	return k() ? k()->device_maps : 0;
}

void *fake_kept_address(void)
{
	return k() ? (void *)(uintptr_t)k()->kept_address : NULL;
}

static const struct object *object_of(int fd, uint32_t number)
{
	uint32_t file = file_of(fd), h = file ? handle_find(file, number) : 0;

	return h ? &k()->objects[k()->handles[h].object] : NULL;
}

struct fake_object fake_handle(int fd, uint32_t handle)
{
	struct fake_object answer = { 0 };
	const struct object *o;
	struct locked l;

	if (!k())
		return answer;
	l = kernel_lock();
	o = object_of(fd, handle);
	if (o)
		answer = (struct fake_object){ o->ino, o->size, o->import };
	kernel_unlock(l);
	return answer;
}

int fake_native_map(int fd, uint32_t handle)
{
	const struct object *o;
	struct locked l;
	int ret;

	if (!k())
		return ENOENT;
	l = kernel_lock();
	o = object_of(fd, handle);
	ret = o ? drm_native_map(o) : ENOENT;
	kernel_unlock(l);
	return ret;
}

/* A copy of the dma-buf; zeros without one. */
static struct dmabuf copy_of(uint64_t ino)
{
	struct dmabuf d = { 0 };
	struct locked l;

	if (!k())
		return d;
	l = kernel_lock();
	d = k()->dmabufs[dmabuf_find(ino)];
	kernel_unlock(l);
	return d;
}

void fake_brackets(uint64_t ino, unsigned long *begins, unsigned long *ends)
{
	struct dmabuf d = copy_of(ino);

	*begins = d.begins;
	*ends = d.ends;
}

void fake_repeated(uint64_t ino, unsigned long *begins, unsigned long *ends)
{
	struct dmabuf d = copy_of(ino);

	*begins = d.more_begins;
	*ends = d.more_ends;
}

unsigned long fake_bracket_faults(void)
{
	return k() ? k()->bracket_faults : 0;
}

int fake_card(const char *driver)
{
	int i = 0;

	while (i < FAKE_DRIVERS && strcmp(fake_drivers[i].name, driver))
		i++;
	return i;
}

void fake_hold_waits(bool hold)
{
	if (kernel_start())
		atomic_store(&k()->hold_waits, hold);
}

unsigned long fake_waits_held(void)
{
	return k() ? atomic_load(&k()->waits_held) : 0;
}

void fake_reach(uint64_t point)
{
	struct locked l;

	if (!kernel_start())
		return;
	l = kernel_lock();
	k()->reached = point;
	kernel_unlock(l);
}

void fake_hold_submits(bool hold)
{
	struct locked l;

	if (!kernel_start())
		return;
	l = kernel_lock();
	k()->hold_submits = hold;
	k()->submits_held = k()->submits_let = 0;
	kernel_unlock(l);
}

unsigned int fake_submits_held(void)
{
	struct locked l = kernel_lock();
	unsigned int held = k()->submits_held;

	kernel_unlock(l);
	return held;
}

void fake_let_submit(int err)
{
	struct locked l = kernel_lock();

	k()->let_err = err;
	k()->submits_let++;
	kernel_unlock(l);
}

unsigned long fake_waited_ms(void)
{
	return k() ? atomic_load(&k()->waited_ms) : 0;
}

unsigned long fake_polls(void)
{
	return k() ? atomic_load(&k()->polls) : 0;
}

void fake_submits_fail(int err)
{
	if (kernel_start())
		k()->submit_err = err;
}

void fake_busy(uint64_t ino, bool busy)
{
	struct locked l;
	uint32_t d;

	if (!k())
		return;
	l = kernel_lock();
	d = dmabuf_find(ino);
	if (d)
		k()->dmabufs[d].busy = busy;
	kernel_unlock(l);
}

void fake_moves_many(bool works)
{
	if (kernel_start())
		k()->moves_many = works;
}

void fake_delay(uint64_t ino, int us)
{
	struct locked l;
	uint32_t d;

	if (!k())
		return;
	l = kernel_lock();
	d = dmabuf_find(ino);
	if (d) {
		k()->dmabufs[d].delay = us;
		syscall(SYS_futex, &k()->dmabufs[d].delay, FUTEX_WAKE, 1000);
	}
	kernel_unlock(l);
}

unsigned long fake_delayed(void)
{
	return k() ? atomic_load(&k()->delayed) : 0;
}

unsigned long fake_strays(void)
{
	return k() ? atomic_load(&k()->strays) : 0;
}

void fake_change_handle(bool works)
{
	struct locked l;

	if (!kernel_start())
		return;
	l = kernel_lock();
	k()->change_handle = works;
	kernel_unlock(l);
}
