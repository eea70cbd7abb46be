// SPDX-License-Identifier: MIT
/*
 * A PCI GPU in name only, for QEMU's vfio-user-pci: config space, and BARs that are plain memory.
 * The program answers one QEMU and ends with it. What the GPU is comes on stdin, in lines of
 * scripts/vm/NAME.conf (see README.md there); the program skips other lines.
 *
 *   pci-gpu SOCKET <NAME.conf
 *
 * The protocol is vfio-user 0.0: a header, then what linux/vfio.h calls the argument of an ioctl.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

enum {
	CMD_VERSION = 1, CMD_DMA_MAP, CMD_DMA_UNMAP, CMD_DEVICE_INFO, CMD_REGION_INFO,
	CMD_IRQ_INFO = 7, CMD_SET_IRQS, CMD_READ, CMD_WRITE, CMD_RESET = 13,
};

#define FLAG_REPLY	1
#define FLAG_NO_REPLY	0x10
#define FLAG_ERROR	0x20

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct access {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[];
};

static const char *path;
static uint8_t config[256];
static bool fixed[256];		/* bytes of it that writes do not change */
static struct bar {
	uint8_t *memory;
	size_t size;
	size_t answered;	/* so much from its start is asked of us; the rest is memory */
	int fd;
	bool ports;
} bars[6];

/*
 * What answers in another way than memory: a register that reads the same whatever is written, or
 * one that shows in another which bits were asked for. The upper half of what is written says
 * which bits the lower half sets.
 */
static struct answer {
	unsigned int bar, at, shown_at;
	bool constant;
} answers[64];
static unsigned int nanswers;

static void add_answer(struct answer a)
{
	if (nanswers == 64 || a.bar >= 6 || a.at + 4 > bars[a.bar].answered ||
	    a.shown_at + 4 > bars[a.bar].size)
		errx(2, "bar %u cannot answer at %#x", a.bar, a.at);
	answers[nanswers++] = a;
}

/* A word has been written: does anything come of it? @old: what was there. */
static void answer(unsigned int bar, unsigned int at, uint32_t old)
{
	uint32_t now, shown;

	for (unsigned int i = 0; i < nanswers; i++) {
		const struct answer *a = &answers[i];

		if (a->bar != bar || a->at != at)
			continue;
		memcpy(&now, bars[bar].memory + at, 4);
		if (a->constant) {
			memcpy(bars[bar].memory + at, &old, 4);
			continue;
		}
		memcpy(&shown, bars[bar].memory + a->shown_at, 4);
		shown = (shown & ~(now >> 16)) | (now & now >> 16);
		memcpy(bars[bar].memory + a->shown_at, &shown, 4);
	}
}

static void add_bar(unsigned int n, unsigned int flags, size_t size)
{
	struct bar *b;

	if (n >= 6 || !size)
		errx(2, "there is no bar %u", n);
	b = &bars[n];
	b->size = size;
	b->ports = flags & PCI_BASE_ADDRESS_SPACE_IO;
	b->fd = memfd_create("bar", MFD_CLOEXEC);
	if (b->fd < 0 || ftruncate(b->fd, size) < 0)
		err(2, "memfd");
	b->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (b->memory == MAP_FAILED)
		err(2, "mmap");
	memcpy(config + PCI_BASE_ADDRESS_0 + 4 * n, &flags, 4);
}

/* A capability, so that the driver can ask for the interrupts that never come. */
static bool msi;

static void add_msi(void)
{
	enum { AT = 0xa0 };

	msi = true;
	config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	config[PCI_CAPABILITY_LIST] = AT;
	config[AT] = PCI_CAP_ID_MSI;
	config[AT + PCI_MSI_FLAGS] = PCI_MSI_FLAGS_64BIT;
}

static void read_conf(void)
{
	unsigned int a, b, value;
	size_t size;
	char line[512];
	uint16_t id;

	config[PCI_CLASS_DEVICE + 1] = 3;	/* a display: VGA */
	config[PCI_INTERRUPT_PIN] = 1;
	for (int i = 0; i < PCI_COMMAND; i++)
		fixed[i] = true;
	for (int i = PCI_CLASS_REVISION; i < PCI_CACHE_LINE_SIZE; i++)
		fixed[i] = true;
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "pci %i %i", &a, &b) == 2) {
			id = a;
			memcpy(config + PCI_VENDOR_ID, &id, 2);
			memcpy(config + PCI_SUBSYSTEM_VENDOR_ID, &id, 2);
			id = b;
			memcpy(config + PCI_DEVICE_ID, &id, 2);
			id = 0x1100;
			memcpy(config + PCI_SUBSYSTEM_ID, &id, 2);
		} else if (sscanf(line, "bar %u %i %zi", &a, &b, &size) == 3) {
			add_bar(a, b, size);
		} else if (sscanf(line, "readonly %i", &a) == 1 && a < sizeof(config) - 3) {
			memset(fixed + a, true, 4);
		} else if (!strncmp(line, "msi ", 4)) {
			add_msi();
		} else if (sscanf(line, "answered %u %zi", &a, &size) == 2) {
			if (a >= 6 || size > bars[a].size)
				errx(2, "no such part of a bar: %s", line);
			bars[a].answered = size;
		} else if (sscanf(line, "constant %u:%i", &a, &b) == 2) {
			add_answer((struct answer){ .bar = a, .at = b, .shown_at = b,
						    .constant = true });
		} else if (sscanf(line, "acknowledge %u:%i %i", &a, &b, &value) == 3) {
			add_answer((struct answer){ .bar = a, .at = b, .shown_at = value });
		} else if (sscanf(line, "config %i %i", &a, &value) == 2 &&
			   a < sizeof(config) - 3) {
			memcpy(config + a, &value, 4);
			memset(fixed + a, true, 4);
		} else if (sscanf(line, "register %u:%i %i", &a, &b, &value) == 3) {
			if (a >= 6 || b + 4 > bars[a].size)
				errx(2, "no such register: %s", line);
			memcpy(bars[a].memory + b, &value, 4);
		}
	}
	if (!config[0])
		errx(2, "no line \"pci VENDOR DEVICE\"");
}

static int serve(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;

	if (strlen(path) >= sizeof(addr.sun_path))
		errx(2, "%s is too long for a socket", path);
	strcpy(addr.sun_path, path);
	if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(s, 1) < 0)
		err(2, "%s", path);
	c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	if (c < 0)
		err(2, "accept");
	close(s);
	return c;
}

/* QEMU sends descriptors of the guest's memory, which is nothing to us. */
static void receive(int c, void *to, size_t size)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(16 * sizeof(int))];
	} control;

	while (size) {
		struct iovec iov = { to, size };
		struct msghdr m = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = &control, .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(c, &m, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			exit(n < 0);
		for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
			for (int *fd = (int *)CMSG_DATA(h);
			     (char *)fd < (char *)h + h->cmsg_len; fd++)
				close(*fd);
		to = (char *)to + n;
		size -= n;
	}
}

/* @fd: a descriptor to send along, or -1. */
static void reply(int c, const struct header *to, const void *payload, size_t size, int fd,
		  int error)
{
	struct header h = {
		.id = to->id, .command = to->command, .size = sizeof(h) + size,
		.flags = FLAG_REPLY | (error ? FLAG_ERROR : 0), .error = error,
	};
	struct iovec iov[] = { { &h, sizeof(h) }, { (void *)payload, size } };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	if (sendmsg(c, &m, MSG_NOSIGNAL) != (ssize_t)h.size)
		exit(1);
}

static void region_info(int c, const struct header *h, const uint8_t *payload)
{
	/* One area may be mapped: what we do not answer. */
	union {
		struct vfio_region_info_cap_sparse_mmap sparse;
		uint8_t room[sizeof(struct vfio_region_info_cap_sparse_mmap) +
			     sizeof(struct vfio_region_sparse_mmap_area)];
	} cap = { .sparse = {
		.header = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 }, .nr_areas = 1,
	} };
	uint8_t all[sizeof(struct vfio_region_info) + sizeof(cap)];
	struct vfio_region_info i = { .argsz = sizeof(i) };
	uint32_t room;
	int fd = -1;

	memcpy(&room, payload, 4);
	memcpy(&i.index, payload + offsetof(struct vfio_region_info, index), 4);
	if (i.index == VFIO_PCI_CONFIG_REGION_INDEX) {
		i.size = sizeof(config);
	} else if (i.index < 6) {
		i.size = bars[i.index].size;
		fd = i.size && !bars[i.index].ports ? bars[i.index].fd : -1;
	}
	if (i.size)
		i.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (fd >= 0)
		i.flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (fd >= 0 && bars[i.index].answered) {
		i.argsz = sizeof(all);
		i.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		i.cap_offset = sizeof(i);
		cap.sparse.areas[0].offset = bars[i.index].answered;
		cap.sparse.areas[0].size = i.size - bars[i.index].answered;
	}
	memcpy(all, &i, sizeof(i));
	memcpy(all + sizeof(i), &cap, sizeof(cap));
	/* QEMU asks again where there was too little room for all of it. */
	reply(c, h, all, room < i.argsz ? sizeof(i) : i.argsz, fd, 0);
}

static void irq_info(int c, const struct header *h, const uint8_t *payload)
{
	struct vfio_irq_info i = { .argsz = sizeof(i), .flags = VFIO_IRQ_INFO_EVENTFD };

	memcpy(&i.index, payload + offsetof(struct vfio_irq_info, index), 4);
	if (i.index == VFIO_PCI_INTX_IRQ_INDEX) {
		i.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
		i.count = 1;
	} else if (i.index == VFIO_PCI_MSI_IRQ_INDEX && msi) {
		i.flags |= VFIO_IRQ_INFO_NORESIZE;
		i.count = 1;
	}
	reply(c, h, &i, sizeof(i), -1, 0);
}

/* The bytes that it is about; NULL: there are none. */
static uint8_t *accessed(const struct access *a)
{
	size_t size = 0;
	uint8_t *memory = NULL;

	if (a->region == VFIO_PCI_CONFIG_REGION_INDEX)
		memory = config, size = sizeof(config);
	else if (a->region < 6)
		memory = bars[a->region].memory, size = bars[a->region].size;
	return a->offset < size && a->count <= size - a->offset ? memory + a->offset : NULL;
}

static void access_region(int c, const struct header *h, struct access *a, size_t size)
{
	uint8_t *p = accessed(a);

	if (!p || size < sizeof(*a) || a->count > 4096) {
		reply(c, h, NULL, 0, -1, 22);
	} else if (h->command == CMD_READ) {
		memcpy(a->data, p, a->count);
		reply(c, h, a, sizeof(*a) + a->count, -1, 0);
	} else {
		uint32_t old = 0;

		memcpy(&old, p, a->count < 4 ? a->count : 4);
		for (size_t i = 0; i < a->count; i++)
			if (a->region != VFIO_PCI_CONFIG_REGION_INDEX || !fixed[a->offset + i])
				p[i] = a->data[i];
		if (a->region < 6 && a->count == 4)
			answer(a->region, a->offset, old);
		if (!(h->flags & FLAG_NO_REPLY))
			reply(c, h, a, sizeof(*a), -1, 0);
	}
}

int main(int argc, char **argv)
{
	static const char version[] = "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,"
				      "\"max_data_xfer_size\":4096}}";
	const struct vfio_device_info device = {
		.argsz = 16, .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.num_regions = VFIO_PCI_NUM_REGIONS, .num_irqs = VFIO_PCI_NUM_IRQS,
	};
	static _Alignas(8) uint8_t payload[1 << 16];
	int c;

	if (argc != 2)
		errx(2, "see the top of pci-gpu.c for how to use it");
	path = argv[1];
	read_conf();
	c = serve();
	for (;;) {
		struct header h;
		size_t size;

		receive(c, &h, sizeof(h));
		size = h.size - sizeof(h);
		if (size > sizeof(payload))
			errx(2, "a message of %zu bytes", size);
		memset(payload, 0, sizeof(struct access));
		receive(c, payload, size);
		switch (h.command) {
		case CMD_VERSION: reply(c, &h, version, sizeof(version), -1, 0); break;
		case CMD_DMA_MAP:
		case CMD_DMA_UNMAP: reply(c, &h, payload, size, -1, 0); break;
		case CMD_DEVICE_INFO: reply(c, &h, &device, 16, -1, 0); break;
		case CMD_REGION_INFO: region_info(c, &h, payload); break;
		case CMD_IRQ_INFO: irq_info(c, &h, payload); break;
		case CMD_SET_IRQS:
		case CMD_RESET: reply(c, &h, NULL, 0, -1, 0); break;
		case CMD_READ:
		case CMD_WRITE: access_region(c, &h, (struct access *)payload, size); break;
		default: reply(c, &h, NULL, 0, -1, 95); break;
		}
	}
}
