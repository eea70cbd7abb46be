/* SPDX-License-Identifier: MIT */
/*
 * A fake kernel, for faults and races that nobody can make a real one show: DRM devices of several
 * drivers, with memfds for dma-bufs. Its answers follow the real kernel's rules; conform.c compares
 * the two.
 *
 * Open files (sockets), dma-bufs (memfds) and mappings are real, so dup, fork, SCM_RIGHTS, kcmp,
 * mremap and munmap need no faking. The fake recognises a descriptor by its inode. Its tables lie
 * in shared memory, since parent and child share a kernel. It starts with the first fake_open() of
 * a device or fake_export(), and follows the program into its children by fork(), not through
 * exec(). From then on a process has one more descriptor, a high one that it cannot close: it leads
 * to the process that keeps the dma-bufs of live handles. So a handle takes no descriptor here
 * either. mmap through a device needs a descriptor for a moment; if the program's limit leaves
 * none, the fake takes one beyond the limit.
 */
#ifndef PRIMESHIM_FAKE_H
#define PRIMESHIM_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#pragma GCC visibility push(default)

/*
 * The devices: /dev/dri/card0 ... are those of fake-drivers.h. The names of the first four say what
 * MODE_MAP_DUMB does with imports: FAKE_REFUSES returns EINVAL (vgem); FAKE_NO_MMAP gives an offset
 * that mmap refuses with EINVAL (powervr); FAKE_SIGBUS gives an offset whose mapping raises SIGBUS
 * when touched (radeon); FAKE_FORWARDS maps the dma-buf, as dma_buf_mmap() does (vmwgfx).
 */
enum fake_device { FAKE_REFUSES, FAKE_NO_MMAP, FAKE_SIGBUS, FAKE_FORWARDS, FAKE_CLASSES };

/*
 * The fake kernel's system calls, with libc's signatures: they return -1 and set errno. Calls that
 * concern no fake device or dma-buf go on to the real kernel, never through a preloadable symbol.
 */
int fake_open(const char *path, int flags, ...);
int fake_ioctl(int fd, unsigned long request, ...);
void *fake_mmap(void *addr, size_t len, int prot, int flags, int fd, long off);
void *fake_mmap64(void *addr, size_t len, int prot, int flags, int fd, int64_t off);
int fake_munmap(void *addr, size_t len);
void *fake_mremap(void *old, size_t old_len, size_t len, int flags, ...);
int fake_close(int fd);
int fake_close_range(unsigned int first, unsigned int last, int flags);
void fake_closefrom(int first);
int fake_dup(int fd);
int fake_dup2(int fd, int to);
int fake_dup3(int fd, int to, int flags);
int fake_fcntl(int fd, int cmd, ...);
struct stat;
int fake_fstat(int fd, struct stat *st);	/* as 64-bit libc's; -D_FILE_OFFSET_BITS=64 */
struct statfs;
int fake_fstatfs(int fd, struct statfs *fs);	/* the same */
int fake_pipe2(int fds[2], int flags);
int fake_futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
	       uint32_t value3);
struct pollfd;
int fake_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
int fake_same_file(pid_t self, int fd, int other);	/* kcmp(KCMP_FILE); -1 and errno */

/* Makes a dma-buf of another exporter: @size bytes of @fill. A descriptor, or -1 and errno. */
int fake_export(size_t size, uint8_t fill, bool writable);

/* The same, but its own mmap returns EINVAL, like that of a vmwgfx surface. */
int fake_export_unmappable(size_t size, uint8_t fill);

/* How often the devices mapped a buffer themselves, and where an import was mapped last. */
unsigned long fake_device_maps(void);
void *fake_kept_address(void);

/* What the fake knows. These calls have no faults, and change nothing. */
struct fake_object {
	uint64_t ino;		/* of the dma-buf; 0: there is no such handle */
	uint64_t size;
	bool foreign;		/* an import, not the device's own buffer */
};
struct fake_object fake_handle(int fd, uint32_t handle);

/* The native result of the map ioctl, mmap and a touch: 0, an errno, or -SIGBUS. */
int fake_native_map(int fd, uint32_t handle);

/* How many STARTs and ENDs DMA_BUF_IOCTL_SYNC made on that dma-buf so far. */
void fake_brackets(uint64_t ino, unsigned long *begins, unsigned long *ends);

/* How many of them were one more START in an open bracket, or one more END without one. */
void fake_repeated(uint64_t ino, unsigned long *begins, unsigned long *ends);

/*
 * How many STARTs and ENDs no program should make: of another direction than the open bracket's;
 * or, without an open bracket, an END for reading alone, or before the first START.
 */
unsigned long fake_bracket_faults(void);

/* From now on submits fail with that errno; 0: they do not fail. */
void fake_submits_fail(int err);

/* From now on this process calls @hook for each START and END. */
void fake_on_sync(void (*hook)(uint64_t ino, uint64_t flags));

/* The number of the card whose driver has that name. */
int fake_card(const char *driver);

/* While @hold, SYNCOBJ_WAIT does not return; and how many of its calls wait now. */
void fake_hold_waits(bool hold);
unsigned long fake_waits_held(void);

/*
 * All work up to that number is done: so far do timelines reach (SYNCOBJ_QUERY), and the fence with
 * that handle and those below it are signaled (VMW_FENCE_SIGNALED). At first it is 0.
 */
void fake_reach(uint64_t point);

/*
 * While @hold, submits do not return: how many of them wait now or have been let go since. The last
 * function lets the first of those that wait go on; @err, if it is not 0, is what it fails with.
 */
void fake_hold_submits(bool hold);
unsigned int fake_submits_held(void);
void fake_let_submit(int err);

/* How many times poll() was called so far, by whomever. */
unsigned long fake_polls(void);
/* The times of those that ended without an answer, in milliseconds, as they were asked for. */
unsigned long fake_waited_ms(void);

/* While @busy, the dma-buf has a fence pending: poll() finds nothing ready. */
void fake_busy(uint64_t ino, bool busy);

/*
 * From now on DMA_BUF_IOCTL_SYNC and poll() of that dma-buf return @us microseconds after they have
 * done their work. FAKE_FENCE: the dma-buf has a fence that no device's ioctl waits for. poll()
 * finds nothing ready, and a START waits, before it does anything, until another number is set.
 * FAKE_LATE_FENCE comes after the poll(): only START waits. Signal handlers run meanwhile, and the
 * wait goes on after them. The last function says how many calls were delayed so far.
 */
enum { FAKE_FENCE = -1, FAKE_LATE_FENCE = -2 };
void fake_delay(uint64_t ino, int us);
unsigned long fake_delayed(void);

/*
 * From now on one in so many calls (0: none) of every process waits before it does anything, as on
 * a busy machine. So a test meets rare races in seconds.
 */
void fake_jitter(unsigned int one_in);

/* How often somebody called DMA_BUF_IOCTL_SYNC on a descriptor that is no dma-buf. */
unsigned long fake_strays(void);

/*
 * Faults, for the calling thread alone. The @nth system call from now on (0: the next) of the
 * functions above, or with @call of that function, fails with @err and does nothing; but an mmap
 * with EACCES is refused by the file, and a MAP_FIXED has lost its place by then. With -SIGBUS
 * in place of an errno, an mmap works, and its pages fault. One fault is armed at a time.
 * fake_fault_clear() disarms it, and returns whether it has struck.
 */
enum fake_call {
	FAKE_ANY, FAKE_OPEN, FAKE_IOCTL, FAKE_MMAP, FAKE_MUNMAP, FAKE_MREMAP, FAKE_CLOSE,
	FAKE_CLOSE_RANGE, FAKE_DUP, FAKE_FCNTL, FAKE_FSTAT, FAKE_PIPE2, FAKE_POLL, FAKE_SAME_FILE,
	FAKE_FUTEX, FAKE_READLINK,
};
void fake_fault(enum fake_call call, unsigned int nth, int err);
bool fake_fault_clear(void);

/* May one mremap() move several mappings with MREMAP_FIXED, as since Linux 6.17? */
void fake_moves_many(bool works);

/*
 * Does GEM_CHANGE_HANDLE work, as in Linux 6.18? Otherwise it returns EINVAL, as before and since.
 */
void fake_change_handle(bool works);

#pragma GCC visibility pop
/* The sixth argument of the fake kernel's own system calls. */
#define FAKE_MARK 0x5eedface

/* As the kernel copies what a pointer points to: 0 or -EFAULT. */
int copy_in(void *to, const void *from, size_t len);

#endif
