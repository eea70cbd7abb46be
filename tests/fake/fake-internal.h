/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fake kernel share; see fake.h. Functions return a negative errno on
 * failure. The caller holds the lock, unless the function says otherwise. Indices name the entries
 * of tables; 0 is none.
 */
#ifndef PRIMESHIM_FAKE_INTERNAL_H
#define PRIMESHIM_FAKE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fake-drivers.h"
#include "fake.h"

enum {
	MAX_FILES = sizeof(long) == 8 ? 1 << 14 : 2048,	/* open files of devices */
	MAX_HANDLES = 1 << 17,	/* of one file; their numbers are smaller */
	MAX_POOL = 1 << 18,	/* handles, objects, dma-bufs: so many of each */
	MAX_NAMES = 1024,	/* of GEM_FLINK, of one device */
	MAX_FREED = 64,		/* offsets to be used again, of one device */
	BUCKETS = 1 << 17,	/* of each hash */
};

/* Chained hashes; a comment names each key. */
enum hash { BY_NUMBER, BY_PRIME, BY_INO, BY_OFFSET, BY_FILE, HASHES };

struct file {
	uint64_t ino;		/* of its socket; 0: not in use */
	int token;		/* the socket's other end, with the keeper */
	int access;		/* O_RDONLY, O_WRONLY or O_RDWR */
	unsigned int device;
	uint32_t next_by_ino;
	uint32_t top;		/* no handle ever had this number or a higher one */
	/* The numbers in use: a bit for each; then, twice, a bit for each full word. */
	uint64_t used[MAX_HANDLES / 64], full[MAX_HANDLES / 64 / 64], fuller;
};

struct handle {
	uint32_t file, number, object;
	uint32_t dmabuf;	/* (BY_PRIME) in the file's cache of dma-bufs */
	uint32_t next_by_number, next_by_prime, next_of_object;
};

/* A GEM object, which lives as long as it has a handle. */
struct object {
	uint32_t device, name;
	uint32_t handles, next_by_offset;
	uint32_t dmabuf;	/* what it was imported from or exported as, with a reference */
	bool import;
	bool tiled;		/* I915_GEM_SET_TILING */
	int token;		/* a native one's pages */
	uint64_t ino, size, offset;
};

/*
 * A dma-buf, by its inode. The fake keeps the entry as long as there is room, since it does not see
 * the last descriptor go.
 */
struct dmabuf {
	uint64_t ino, size;
	unsigned long begins, ends, more_begins, more_ends;
	int device;		/* the exporting device, or FOREIGN */
	uint32_t object;	/* the native object it is of, if that is alive */
	uint32_t next_by_ino;
	uint32_t refs;		/* by objects */
	int token;		/* while there are any */
	bool busy;
	int delay;		/* fake_delay() */
	bool unmappable;
	uint8_t bracket;	/* DMA_BUF_SYNC_* direction of the open one */
};

enum { FOREIGN = -1 };

struct freed {
	uint64_t offset, size;
};

struct device {
	uint64_t next_offset;
	struct freed freed[MAX_FREED];
	uint32_t names[MAX_NAMES];
};

struct pool {
	uint32_t used, free;	/* entries ever used, and the chain of free entries */
	uint32_t live;
};

struct kernel {
	pthread_mutex_t lock;
	int keeper;		/* the descriptor of the keeper's socket, as it was at the start */
	uint32_t orders;	/* given to the keeper */
	uint64_t memfds, sockets;	/* st_dev */
	bool change_handle, moves_many;
	unsigned long device_maps, bracket_faults;
	atomic_ulong strays;
	unsigned int jitter;
	atomic_ulong delayed, waits_held, polls, waited_ms;
	atomic_int hold_waits;
	int submit_err, let_err;
	bool hold_submits;
	unsigned int submits_held, submits_let;
	uint64_t reached;
	uint64_t kept_address;	/* of the process that mapped last */
	unsigned int opened;	/* since closed ones were looked for */
	uint32_t recycle;	/* where the last dma-buf to be forgotten was */
	struct pool file_pool, handle_pool, object_pool, dmabuf_pool;
	struct device devices[FAKE_DRIVERS];
	uint32_t hashes[HASHES][BUCKETS];
	struct file files[MAX_FILES];
	struct handle handles[MAX_POOL];
	struct object objects[MAX_POOL];
	struct dmabuf dmabufs[MAX_POOL];
};

/* fake-raw.c: the real kernel, by raw system calls: libc's functions may be the shim's. */

/* Sanitizers do not know the child of a raw clone(). */
#define UNWATCHED __attribute__((no_sanitize("address", "thread", "undefined")))

/*
 * Each call has FAKE_MARK in the arguments that the system call does not use. So a seccomp filter
 * can tell it from the program's and the shim's calls (tests/process/sandbox.c), unless it has six
 * arguments.
 */
long marked_syscall(long number, long a, long b, long c, long d, long e, long f);

#define MARKED(number, a, b, c, d, e, f, ...)					\
	marked_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define syscall(...)								\
	MARKED(__VA_ARGS__, FAKE_MARK, FAKE_MARK, FAKE_MARK, FAKE_MARK, FAKE_MARK, FAKE_MARK, 0)

int raw_open(const char *path, int flags, unsigned int mode);
int raw_close(int fd);
int raw_fcntl(int fd, int cmd, long arg);
int raw_fstat(int fd, struct stat *st);
void *raw_mmap(void *addr, size_t len, int prot, int flags, int fd, uint64_t off);
int raw_munmap(void *addr, size_t len);
int raw_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
void raw_sleep(int us);
int memory_new(uint64_t size, uint8_t fill);		/* a memfd */
int memory_reopen(int fd, int access);			/* as another open file */
int memory_broken(void *addr, size_t len, int prot, int flags, void **out);	/* SIGBUS */
int copy_out(void *to, const void *from, size_t len);

/*
 * fake-keeper.c: the process that keeps descriptors of the dma-bufs that live handles refer to, so
 * that the program needs none, and parent and child have the same.
 */
extern struct kernel *_Atomic kernel;		/* NULL: not started */

bool kernel_start(void);			/* without the lock */

/* Take the lock, and block signals, since no handler runs in the middle of a system call. */
struct locked {
	uint64_t signals;
};
struct locked kernel_lock(void);
void kernel_unlock(struct locked l);

/* These are called with or without the lock. */
int keeper_descriptor(void);			/* the program must not touch it; or -1 */
void keeper_move(void);				/* to another number */

int keep(int fd);				/* a token, for a duplicate of @fd */
int keep_get(int token, bool cloexec);		/* a descriptor, the lowest free one */
void keep_drop(int token);
bool keep_hung_up(int token);			/* a socket: is its other end closed? */

/* fake-tables.c: the tables. */
uint32_t file_new(uint64_t ino, unsigned int device, int access, int token);
uint32_t file_of(int fd);
void file_reap(uint32_t file);			/* release it if it has been closed */
void files_reap(void);
void tables_repair(void);
int handle_new(uint32_t file, uint32_t object);	/* its number */
int handle_renumber(uint32_t handle, uint32_t number);
uint32_t handle_find(uint32_t file, uint32_t number);
void handle_delete(uint32_t handle);		/* and its object, if it was the last one */
void prime_add(uint32_t handle, uint32_t dmabuf);
uint32_t prime_find(uint32_t file, uint32_t dmabuf);
uint32_t object_new(unsigned int device, uint64_t size);
void object_free(uint32_t object);		/* that has no handle */
void object_place(uint32_t object);		/* give it an offset, if it has none */
uint32_t object_at(unsigned int device, uint64_t offset);
uint32_t object_around(unsigned int device, uint64_t offset);	/* or within it */
bool object_allowed(uint32_t object, uint32_t file);
int object_link(uint32_t object, uint32_t dmabuf, int fd);	/* refer to it; @fd is one of it */
uint32_t dmabuf_new(uint64_t ino, uint64_t size, int device);
uint32_t dmabuf_of(int fd);
uint32_t dmabuf_find(uint64_t ino);

/* fake-drm.c: the ioctls of devices. */
int drm_ioctl(uint32_t file, unsigned int request, void *arg);

/* fake-private.c: the driver's private ioctls. @data: the argument, copied by drm_ioctl(). */
int drm_private(uint32_t file, unsigned int nr, char *data);
bool is_submit(uint32_t file, unsigned int nr);

/* fake-node.c: the other calls of a device. */
int drm_open(unsigned int device, int flags);	/* without the lock */
int drm_mmap(uint32_t file, void *addr, size_t len, int prot, int flags, uint64_t off,
	     void **out);
int drm_native_map(const struct object *o);
/* @access: the access mode of the device's file, which limits the mapping for ever. */
int drm_map_object(uint32_t object, void *addr, size_t len, int prot, int flags, int access,
		   uint64_t from, void **out);
/* The errors of do_mmap() before it asks the file; the place stays as it was. */
int mmap_allowed(void *addr, size_t len, int prot, int flags, int access, uint64_t off);
/*
 * The file's ->mmap() returns @err. By then mmap_region() has unmapped what a MAP_FIXED was to
 * replace, for good: so it is in the source of 6.1 to 7.3, and conform.c asked 6.12 and 7.3.
 */
int mmap_refused(void *addr, size_t len, int flags, int err);

/* fake.c: without the lock. */
struct what {
	uint32_t file, dmabuf;	/* either, or none of both */
};
struct what what(int fd);
int delay_of(uint32_t dmabuf);
void delay(int us);
bool hidden(int fd);		/* from the program; with errno */

/* fake-control.c: without the lock. */
bool struck(enum fake_call call);	/* shall this call fail? Sets errno. */
bool struck_pages(void);		/* shall the pages of this mmap raise SIGBUS? */

#endif
