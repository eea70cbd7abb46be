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
 * The devices: /dev/dri/card0 ... are those of fake-drivers.h. Of the first four the names here
 * tell the class of imports on MODE_MAP_DUMB: FAKE_REFUSES says EINVAL (vgem); FAKE_NO_MMAP gives
 * an offset that mmap refuses with EINVAL (powervr); FAKE_SIGBUS gives one that maps and raises
 * SIGBUS when touched (radeon); FAKE_FORWARDS maps the dma-buf, as dma_buf_mmap() does (vmwgfx).
 */
enum fake_device { FAKE_REFUSES, FAKE_NO_MMAP, FAKE_SIGBUS, FAKE_FORWARDS, FAKE_CLASSES };

/*
 * The system calls as the fake kernel does them: libc's signature, -1 and errno. What is not about
 * a fake device or dma-buf goes on to the real kernel (never through a preloadable symbol).
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
int fake_pipe2(int fds[2], int flags);
int fake_futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other,
	       uint32_t value3);
struct pollfd;
int fake_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
int fake_same_file(pid_t self, int fd, int other);	/* kcmp(KCMP_FILE); -1 and errno */

/* A dma-buf of another exporter, @size bytes, filled with @fill: a descriptor, or -1 and errno. */
int fake_export(size_t size, uint8_t fill, bool writable);

/* The same, whose own mmap is refused (EINVAL), as of a surface of vmwgfx's. */
int fake_export_unmappable(size_t size, uint8_t fill);

/* How often a device's own mapping was made, of any buffer, and where an import was mapped last. */
unsigned long fake_device_maps(void);
void *fake_kept_address(void);

/* What the fake knows, asked without faults and without changing anything. */
struct fake_object {
	uint64_t ino;		/* of the dma-buf; 0 where there is no such handle */
	uint64_t size;
	bool foreign;		/* an import from elsewhere, not the device's own */
};
struct fake_object fake_handle(int fd, uint32_t handle);

/* What the map ioctl, then mmap and a touch, would say natively: 0, an errno, or -SIGBUS. */
int fake_native_map(int fd, uint32_t handle);

/* DMA_BUF_IOCTL_SYNC calls on that dma-buf so far: STARTs and ENDs. */
void fake_brackets(uint64_t ino, unsigned long *begins, unsigned long *ends);

/* How many of those were made in an open bracket, or of none: one more START, one more END. */
void fake_repeated(uint64_t ino, unsigned long *begins, unsigned long *ends);

/*
 * Brackets that no program should make: of another direction than the open one's, or an END of
 * reading alone, or before the first START, with none open.
 */
unsigned long fake_bracket_faults(void);

/* Submits fail with that errno from now on; 0: they do not. */
void fake_submits_fail(int err);

/* From now on called in this process with each START and END that is made, and its dma-buf. */
void fake_on_sync(void (*hook)(uint64_t ino, uint64_t flags));

/* The number of the card with a driver of that name. */
int fake_card(const char *driver);

/* Until told otherwise SYNCOBJ_WAIT does not return; how many calls of it wait now. */
void fake_hold_waits(bool hold);
unsigned long fake_waits_held(void);

/* Until told otherwise the dma-buf has a fence pending: poll() on it finds nothing ready. */
void fake_busy(uint64_t ino, bool busy);

/*
 * From now on DMA_BUF_IOCTL_SYNC and poll() of that dma-buf return @us microseconds after they have
 * done their work. With FAKE_FENCE it has a fence that no ioctl of a device's waits for: poll()
 * finds nothing ready and a START waits, before it does anything, until another number is set. With
 * FAKE_LATE_FENCE, which comes after the poll(), START alone waits. Signal handlers run meanwhile,
 * and the wait goes on after them. How many calls have been delayed so far.
 */
enum { FAKE_FENCE = -1, FAKE_LATE_FENCE = -2 };
void fake_delay(uint64_t ino, int us);
unsigned long fake_delayed(void);

/*
 * From now on one in so many calls (0: none), of every process, is left waiting before it does
 * anything, as on a busy machine: races that are rare are seen in seconds.
 */
void fake_jitter(unsigned int one_in);

/* How often DMA_BUF_IOCTL_SYNC was called on a descriptor that is not a dma-buf's. */
unsigned long fake_strays(void);

/*
 * Faults, for the calling thread alone: its @nth call from now on (0: the next) to any function
 * above that is a system call, or with @call to that one alone, fails with @err without having
 * done anything. -SIGBUS instead of an errno, for an mmap: it works, and the pages fault. One
 * fault is armed at a time; fake_fault_clear() disarms it and returns whether it had struck.
 */
enum fake_call {
	FAKE_ANY, FAKE_OPEN, FAKE_IOCTL, FAKE_MMAP, FAKE_MUNMAP, FAKE_MREMAP, FAKE_CLOSE,
	FAKE_CLOSE_RANGE, FAKE_DUP, FAKE_FCNTL, FAKE_FSTAT, FAKE_PIPE2, FAKE_POLL, FAKE_SAME_FILE,
	FAKE_FUTEX,
};
void fake_fault(enum fake_call call, unsigned int nth, int err);
bool fake_fault_clear(void);

/* Whether one mremap() may move several mappings with MREMAP_FIXED, as since Linux 6.17. */
void fake_moves_many(bool works);

/* Whether GEM_CHANGE_HANDLE works, as in Linux 6.18; otherwise EINVAL, as before and since. */
void fake_change_handle(bool works);

#pragma GCC visibility pop
/* The sixth argument of the fake kernel's own system calls. */
#define FAKE_MARK 0x5eedface

/* As the kernel copies what a pointer points to: 0 or -EFAULT. */
int copy_in(void *to, const void *from, size_t len);

#endif
