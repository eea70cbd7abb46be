/* SPDX-License-Identifier: MIT */
/*
 * The kernel's drivers as data: a file for each, with a table of the ioctls that matter.
 * drm_ioctl() tells them apart by _IOC_NR alone and takes any _IOC_SIZE, and so do we.
 *
 * Numbers and places come from the uapi headers; where the headers at hand are older than the
 * driver, its file has the definition, and the kernel version it appeared in. CONTRIBUTING.md says
 * how to add one.
 */
#ifndef PRIMESHIM_DRIVERS_H
#define PRIMESHIM_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum role {
	ROLE_NONE,
	ROLE_IMPORT,	  /* handle (out), value: the dma-buf's descriptor, u32 */
	ROLE_EXPORT,	  /* handle, value: the dma-buf's descriptor, u32 (out) */
	ROLE_CLOSE,	  /* handle */
	ROLE_RENAME,	  /* handle, value: the new handle, u32 */
	ROLE_CREATE,	  /* handle (out): a number that was free */
	ROLE_MAP_OFFSET,  /* handle, value: the offset for mmap, u64 (out) */
	ROLE_TELL_OFFSET, /* the same, asked of any buffer: a refusal says nothing of maps */
	ROLE_MAP_ADDRESS, /* handle, start and length, u64; value: an address, u64 (out) */
	/* For brackets alone: */
	ROLE_CPU_BEGIN, /* handle, reads, writes, nowait, timeout: the CPU's accesses begin */
	ROLE_CPU_END,	/* handle: they are over */
	ROLE_WAIT,	/* handle, nowait, busy: devices are done with the buffer */
	/*
	 * nowait, busy, done: devices are done with something. With a list of syncobjs, value:
	 * where the u64 lies that points to a u64 for each (out), which rises with what is done.
	 */
	ROLE_WAIT_ANY,
	/*
	 * list: work on these is given to a device. Mostly the kernel maps for it what is listed
	 * and no more; where it has mapped all that there is, the driver's file says who lists
	 * what.
	 */
	ROLE_SUBMIT,
	ROLE_SUBMIT_ANY, /* the same, and any buffer may be used */
	ROLE_FRAME,	 /* list: a frame buffer is made of these */
	ROLE_SCANOUT,	 /* some frame buffer may be shown or copied; with a list, these are */
	ROLE_BIND,	 /* handle or list: for later ROLE_SUBMIT_ANY; not acted on */
	ROLE_COUNT,
};

/* Is one of the bits of @mask set in the u32 at byte @at? */
struct drv_bits {
	uint8_t at;
	uint32_t mask;
};

/* An array of structures with a handle each. Places are in bytes. */
struct drv_list {
	uint8_t at;		/* where the u64 that points to it lies */
	uint8_t count;		/* where the u32 that says how many there are lies */
	uint8_t fixed;		/* not 0: the array itself lies at @at, with so many */
	uint8_t stride;		/* of an element */
	uint8_t handle;		/* in an element; that of 0 is none */
	/* In an element: it may be written, if one of these is set; no masks: always. */
	struct drv_bits writes, or_writes;
	/*
	 * Not 0: the array has u64 pointers to chunks, and the chunks with this id have the
	 * handles. drm_radeon_cs_chunk, drm_amdgpu_cs_chunk: u32 id, u32 length in 32-bit words,
	 * u64 data.
	 */
	uint8_t chunk;
	/* The device may use others, too: the kernel does not hold it to the list. */
	bool partial;
	bool boxed;		/* the chunk is a drm_amdgpu_bo_list_in, which has the array */
};

struct drv_ioctl {
	const char *name;	/* without DRM_IOCTL_ */
	uint32_t request;
	uint8_t role;
	uint8_t handle;		/* where the u32 handle lies, in bytes; so are these: */
	uint8_t value;
	uint8_t start;
	uint8_t length;
	bool proof;		/* drm_gem_dumb_map_offset(): EINVAL says that it is an import */
	/* It is about this role only if the u32 at @when.at is @is. No mask: always. */
	struct drv_bits when;
	uint32_t is;
	struct drv_bits reads;	/* no mask: always */
	struct drv_bits writes;	/* no mask: never */
	/* ROLE_WAIT_ANY: the call says nothing of a device then; else: it is only a question. */
	struct drv_bits nowait;
	uint8_t timeout;	/* not 0: if the u64 there is 0, it is only a question */
	bool asks;		/* it is always only a question */
	bool at_once;		/* ROLE_CPU_BEGIN: the call waits for no device */
	struct drv_bits busy;	/* (out) set: the device is not done; no mask: an errno says so */
	struct drv_bits done;	/* (out) the same, if it is not set */
	struct drv_list list;
};

/* What mapping a foreign import through the driver comes to, without us. */
enum natively {
	NATIVELY_NO_IMPORT,	/* the import is refused */
	NATIVELY_REFUSED,	/* the map ioctl is refused */
	NATIVELY_NO_MMAP,	/* there is an offset, and mmap is refused */
	NATIVELY_SIGBUS,	/* mmap works, and the first touch is SIGBUS */
	NATIVELY_FORWARDED,	/* the kernel maps the dma-buf; nobody syncs */
	NATIVELY_PAGES,		/* the driver maps the pages; nobody syncs, attributes may differ */
	NATIVELY_WRONG,		/* the driver maps other memory */
};

enum quirk {
	/*
	 * The driver remembers the address that is mapped through it, and uses it: leave it alone.
	 */
	QUIRK_KEEPS_ADDRESS = 1,
	/*
	 * The driver's mapping of an import never "works", whatever its first page says: it shows
	 * other memory, or faults where two threads touch a page at once (evdi before 1.14.3).
	 */
	QUIRK_MAPS_WRONG = 2,
	/* mmap does not go through drm_gem_mmap_obj(), where the patch of 2022 would refuse it. */
	QUIRK_OWN_MMAP = 4,
	/*
	 * The driver leaves its vm_ops on a mapping that it has handed on to the dma-buf: munmap
	 * breaks the kernel's count of the handle, unless the exporter has set its own.
	 */
	QUIRK_LEAVES_OPS = 8,
	/* Its dma-bufs' begin pins pages, and end unpins them. */
	QUIRK_COUNTS = 16,
	/* MODE_MAP_DUMB says EINVAL of buffers that are no imports as well: it proves nothing. */
	QUIRK_NO_PROOF = 32,
	/* Of its own buffers the driver maps another picture than their dma-bufs: without tiles. */
	QUIRK_UNTILES = 64,
	/*
	 * Of work without a list the driver adds no fence that poll() and START see, but one of
	 * DMA_RESV_USAGE_BOOKKEEP.
	 */
	QUIRK_HIDES = 128,
};

struct driver {
	const char *name;	/* as DRM_IOCTL_VERSION says it */
	const char *module;	/* the kernel module, where that has another name; else NULL */
	const char *exports_as[3];	/* exp_name of its dma-bufs, in any kernel; up to NULL */
	uint8_t natively;	/* enum natively */
	uint8_t quirks;		/* enum quirk */
	const char *note;	/* what @natively leaves out, for people; or NULL */
	const struct drv_ioctl *ioctls;
	unsigned int n;
};

/* For the tables. */
#define IOCTL(x)	.name = #x, .request = (uint32_t)DRM_IOCTL_##x
#define AT(type, field)	offsetof(struct type, field)
#define IOCTLS(table)	.ioctls = (table), .n = sizeof(table) / sizeof(*(table))

/* What the DRM core itself answers, for every driver. */
extern const struct driver generic_driver;

/* All that have a file, by name, without generic_driver; and how many there are. */
extern const struct driver *const drivers[];
extern const unsigned int drivers_count;

/* The driver with that name or module, or NULL. */
const struct driver *driver_find(const char *name);

/* Is it a driver of whose ioctls none but generic_driver's matter? */
bool driver_is_generic(const char *name);

/*
 * What @request does with @d (NULL: a driver that is not known), or NULL. An entry is found by the
 * ioctl's number. It applies where _IOC_SIZE says that all it needs of the argument is there.
 */
const struct drv_ioctl *driver_ioctl(const struct driver *d, uint32_t request);

/* Is it a driver's own, rather than the DRM core's? */
bool driver_ioctl_private(uint32_t request);

/* The bytes of the argument that an entry's role reads and writes: so many must be there. */
unsigned int driver_ioctl_need(const struct drv_ioctl *i);

/* Is the exporter of that exp_name one that counts begins and ends (QUIRK_COUNTS)? */
bool driver_counts(const char *exp_name);

/* Might it be the exporter of a dma-buf with that exp_name? */
bool driver_exports_as(const struct driver *d, const char *name);

#endif
