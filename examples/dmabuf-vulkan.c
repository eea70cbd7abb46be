// SPDX-License-Identifier: MIT
/*
 * Takes turns with two devices on one dma-buf, through Vulkan: writes where vkMapMemory() maps the
 * import, submits work that reads it, waits, and reads. An ordinary program, which knows nothing of
 * primeshim. The other device is played by this program, too: the exporter's own view of the pages,
 * between calls of DMA_BUF_IOCTL_SYNC. Where DMA is not coherent, bytes get lost between the two.
 */
#define _GNU_SOURCE	/* memfd_create() */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/dma-buf.h>
#include <linux/udmabuf.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vulkan/vulkan.h>

/* The program writes the first half, the other device the second. */
#define SIZE	65536
#define HALF	(SIZE / 2)

/* Some drivers want a dma-buf that is larger than the memory (Mesa's v3dv: by 64 bytes). */
#define SPARE	8192

static const char help[] =
	"Usage: dmabuf-vulkan [options]\n"
	"Imports a udmabuf as Vulkan memory. In each turn the program writes it, submits work,\n"
	"another device reads and writes the dma-buf, and the program waits and reads it.\n"
	"Prints how many of the bytes were wrong.\n"
	"\n"
	"Options:\n"
	"  --turns N     so many turns (default: 5)\n"
	"  --lasting     maps the memory once (default: for each access)\n"
	"  --thread      submits in another thread, when this one waits already\n"
	"  --queues N    the device's first N queues by turns (default: 1)\n"
	"  --timeline    waits for a timeline semaphore (default: for a fence)\n"
	"  --gpu NAME    the device whose name has NAME in it (default: the first one)\n"
	"  --help        prints this\n"
	"\n"
	"Exit status: 0 no byte was wrong, 1 some were or a step failed, 2 bad use\n";

static struct {
	unsigned int turns, queues;
	bool lasting, thread, timeline;
	const char *gpu;
} options = { .turns = 5, .queues = 1, .gpu = "" };

static struct {
	int dmabuf;
	uint8_t *view;
} other;

static char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];
static VkPhysicalDevice gpu;
static VkDevice device;
static VkQueue queues[16];
static VkDeviceMemory memory;
static VkCommandBuffer work;
static VkFence fence;
static VkSemaphore timeline;
static VkSemaphore done;		/* for the other device, which gets it as a sync file */
static PFN_vkGetMemoryFdPropertiesKHR memory_fd_properties;
static PFN_vkGetSemaphoreFdKHR semaphore_fd;
static unsigned long wrong[2];		/* bytes that the other device and this program read */

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list ap;

	fputs("dmabuf-vulkan: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void must(VkResult result, const char *what)
{
	if (result < 0)
		fail("%s: VkResult %d", what, result);
}

static uint8_t byte(size_t at, unsigned int turn)
{
	/* Never 0, which is what was there before. */
	return (at * 7 + at / 4096 * 31 + turn * 101) % 255 + 1;
}

static void fill(uint8_t *p, size_t from, unsigned int turn)
{
	for (size_t i = from; i < from + HALF; i++)
		p[i] = byte(i, turn);
}

static unsigned long count_wrong(const uint8_t *p, size_t from, unsigned int turn)
{
	unsigned long n = 0;

	for (size_t i = from; i < from + HALF; i++)
		n += p[i] != byte(i, turn);
	return n;
}

/* By a raw system call, which no preloaded object sees: the accesses are the other device's. */
static void bracket(uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	while (syscall(SYS_ioctl, other.dmabuf, DMA_BUF_IOCTL_SYNC, &sync))
		if (errno != EINTR && errno != EAGAIN)
			fail("DMA_BUF_IOCTL_SYNC: %s", strerror(errno));
}

static void other_begin(size_t size)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = size };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	int mem = memfd_create("dmabuf-vulkan", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (dev < 0)
		fail("opening /dev/udmabuf: %s", strerror(errno));
	if (mem < 0 || ftruncate(mem, size) || fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK))
		fail("making a sealed memfd: %s", strerror(errno));
	create.memfd = mem;
	other.dmabuf = ioctl(dev, UDMABUF_CREATE, &create);
	if (other.dmabuf < 0)
		fail("making a dma-buf with /dev/udmabuf: %s", strerror(errno));
	other.view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, mem, 0);
	if (other.view == MAP_FAILED)
		fail("mapping the memfd: %s", strerror(errno));
	close(mem);
	close(dev);
	/* udmabuf makes its bounce buffer at the first call, where the kernel bounces DMA. */
	bracket(DMA_BUF_SYNC_START);
	bracket(DMA_BUF_SYNC_END);
}

/* After the work that was submitted last. The wait is a driver's: no program sees it. */
static void other_turn(unsigned int turn)
{
	const VkSemaphoreGetFdInfoKHR info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR, .semaphore = done,
		.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
	};
	struct pollfd file = { .events = POLLIN };

	must(semaphore_fd(device, &info, &file.fd), "vkGetSemaphoreFdKHR");
	while (file.fd >= 0 && syscall(SYS_ppoll, &file, 1, NULL, NULL, 0) < 0)
		if (errno != EINTR)
			fail("waiting for a sync file: %s", strerror(errno));
	if (file.fd >= 0)
		close(file.fd);
	bracket(DMA_BUF_SYNC_START);
	wrong[0] += count_wrong(other.view, 0, turn);
	fill(other.view, HALF, turn);
	bracket(DMA_BUF_SYNC_END);
}

static void choose_gpu(void)
{
	const VkApplicationInfo app = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app,
	};
	VkPhysicalDevice found[16];
	uint32_t n = 16;
	VkInstance instance;

	must(vkCreateInstance(&info, NULL, &instance), "vkCreateInstance");
	must(vkEnumeratePhysicalDevices(instance, &n, found), "vkEnumeratePhysicalDevices");
	for (uint32_t i = 0; i < n && !gpu; i++) {
		VkPhysicalDeviceProperties p;

		vkGetPhysicalDeviceProperties(found[i], &p);
		if (!strstr(p.deviceName, options.gpu))
			continue;
		memcpy(name, p.deviceName, sizeof(name));
		gpu = found[i];
	}
	if (!gpu)
		fail("of %u Vulkan devices none has '%s' in its name", n, options.gpu);
}

static void make_device(void)
{
	static const float priorities[16];
	static const char *const extensions[] = {
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
		VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME,
		VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	};
	const VkPhysicalDeviceTimelineSemaphoreFeatures feature = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
		.timelineSemaphore = VK_TRUE,
	};
	VkQueueFamilyProperties families[8];
	VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = options.queues, .pQueuePriorities = priorities,
	};
	const VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.pNext = options.timeline ? &feature : NULL,
		.queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
		.enabledExtensionCount = 3, .ppEnabledExtensionNames = extensions,
	};
	uint32_t n = 8;

	vkGetPhysicalDeviceQueueFamilyProperties(gpu, &n, families);
	while (queue.queueFamilyIndex < n &&
	       (families[queue.queueFamilyIndex].queueCount < options.queues ||
		!(families[queue.queueFamilyIndex].queueFlags & VK_QUEUE_GRAPHICS_BIT)))
		queue.queueFamilyIndex++;
	if (queue.queueFamilyIndex == n)
		fail("%s has no family of %u queues", name, options.queues);
	must(vkCreateDevice(gpu, &info, NULL, &device), "vkCreateDevice");
	for (unsigned int i = 0; i < options.queues; i++)
		vkGetDeviceQueue(device, queue.queueFamilyIndex, i, &queues[i]);
	memory_fd_properties = (PFN_vkGetMemoryFdPropertiesKHR)
		vkGetDeviceProcAddr(device, "vkGetMemoryFdPropertiesKHR");
	semaphore_fd = (PFN_vkGetSemaphoreFdKHR)vkGetDeviceProcAddr(device, "vkGetSemaphoreFdKHR");
}

static VkBuffer make_buffer(VkBufferUsageFlags flags, const void *external)
{
	const VkBufferCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .pNext = external,
		.size = SIZE, .usage = flags,
	};
	VkBuffer buffer;

	must(vkCreateBuffer(device, &info, NULL, &buffer), "vkCreateBuffer");
	return buffer;
}

static VkDeviceMemory allocate(VkBuffer buffer, const void *import, uint32_t types)
{
	VkMemoryDedicatedAllocateInfo dedicated = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .pNext = import,
		.buffer = buffer,
	};
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &dedicated,
	};
	VkPhysicalDeviceMemoryProperties have;
	VkMemoryRequirements needs;
	VkDeviceMemory m;

	vkGetPhysicalDeviceMemoryProperties(gpu, &have);
	vkGetBufferMemoryRequirements(device, buffer, &needs);
	types &= needs.memoryTypeBits;
	while (info.memoryTypeIndex < have.memoryTypeCount &&
	       !(types & 1U << info.memoryTypeIndex &&
		 have.memoryTypes[info.memoryTypeIndex].propertyFlags &
		 VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
		info.memoryTypeIndex++;
	if (info.memoryTypeIndex == have.memoryTypeCount)
		fail("%s has no memory that can be mapped for this", name);
	info.allocationSize = needs.size;
	must(vkAllocateMemory(device, &info, NULL, &m),
	     import ? "vkAllocateMemory of the dma-buf" : "vkAllocateMemory");
	must(vkBindBufferMemory(device, buffer, m, 0), "vkBindBufferMemory");
	return m;
}

/* The work: copies the import to a buffer that is the device's own. */
static void make_work(void)
{
	const VkExternalMemoryBufferCreateInfo external = {
		.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
		.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
	};
	const VkImportMemoryFdInfoKHR import = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
		.fd = fcntl(other.dmabuf, F_DUPFD_CLOEXEC, 0),
	};
	const VkCommandPoolCreateInfo pool = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
	};
	VkCommandBufferAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandBufferCount = 1,
	};
	const VkCommandBufferBeginInfo begin = {
		.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
		.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT,
	};
	VkBuffer from = make_buffer(VK_BUFFER_USAGE_TRANSFER_SRC_BIT, &external);
	VkBuffer to = make_buffer(VK_BUFFER_USAGE_TRANSFER_DST_BIT, NULL);
	VkMemoryFdPropertiesKHR p = { .sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR };

	must(memory_fd_properties(device, import.handleType, other.dmabuf, &p),
	     "vkGetMemoryFdPropertiesKHR");
	memory = allocate(from, &import, p.memoryTypeBits);
	allocate(to, NULL, ~0U);
	must(vkCreateCommandPool(device, &pool, NULL, &info.commandPool), "vkCreateCommandPool");
	must(vkAllocateCommandBuffers(device, &info, &work), "vkAllocateCommandBuffers");
	must(vkBeginCommandBuffer(work, &begin), "vkBeginCommandBuffer");
	vkCmdCopyBuffer(work, from, to, 1, &(VkBufferCopy){ .size = SIZE });
	must(vkEndCommandBuffer(work), "vkEndCommandBuffer");
}

/* @told: the fence or the semaphore is to say that it is done. */
static void submit(unsigned int turn, const VkCommandBuffer *what, bool told)
{
	VkSemaphore signals[2];
	uint64_t values[2];
	VkTimelineSemaphoreSubmitInfo times = {
		.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
		.pSignalSemaphoreValues = values,
	};
	VkSubmitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .pSignalSemaphores = signals,
		.commandBufferCount = !!what, .pCommandBuffers = what,
	};

	if (what)
		signals[info.signalSemaphoreCount++] = done;
	if (told && options.timeline) {
		info.pNext = &times;
		values[info.signalSemaphoreCount] = turn + 1;
		signals[info.signalSemaphoreCount++] = timeline;
	}
	times.signalSemaphoreValueCount = info.signalSemaphoreCount;
	must(vkQueueSubmit(queues[turn % options.queues], 1, &info,
			   told && !options.timeline ? fence : VK_NULL_HANDLE), "vkQueueSubmit");
}

static void wait_for(unsigned int turn)
{
	const uint64_t value = turn + 1;
	const VkSemaphoreWaitInfo info = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
		.semaphoreCount = 1, .pSemaphores = &timeline, .pValues = &value,
	};

	if (options.timeline) {
		must(vkWaitSemaphores(device, &info, UINT64_MAX), "vkWaitSemaphores");
		return;
	}
	must(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX), "vkWaitForFences");
	must(vkResetFences(device, 1, &fence), "vkResetFences");
}

static sem_t go;

/* What is submitted last says that the turn is over, and has nothing to do with the import. */
static void *submit_all(void *arg)
{
	(void)arg;
	for (unsigned int turn = 0; turn < options.turns; turn++) {
		while (sem_wait(&go))
			;
		/* By then the wait has begun; if not, that is an order that may be, too. */
		usleep(50000);
		submit(turn, &work, false);
		other_turn(turn);
		submit(turn, NULL, true);
	}
	return NULL;
}

static uint8_t *map(void)
{
	void *p;

	must(vkMapMemory(device, memory, 0, SIZE, 0, &p), "vkMapMemory");
	return p;
}

static void take_turns(void)
{
	uint8_t *p = options.lasting ? map() : NULL;

	for (unsigned int turn = 0; turn < options.turns; turn++) {
		if (!options.lasting)
			p = map();
		fill(p, 0, turn);
		if (!options.lasting)
			vkUnmapMemory(device, memory);
		if (options.thread) {
			sem_post(&go);
		} else {
			submit(turn, &work, true);
			other_turn(turn);
		}
		wait_for(turn);
		if (!options.lasting)
			p = map();
		wrong[1] += count_wrong(p, 0, turn) + count_wrong(p, HALF, turn);
		if (!options.lasting)
			vkUnmapMemory(device, memory);
	}
	if (options.lasting)
		vkUnmapMemory(device, memory);
}

static void make_signals(void)
{
	const VkFenceCreateInfo f = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
	const VkSemaphoreTypeCreateInfo type = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
		.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
	};
	const VkExportSemaphoreCreateInfo export = {
		.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
		.handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
	};
	VkSemaphoreCreateInfo s = {
		.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &export,
	};

	must(vkCreateSemaphore(device, &s, NULL, &done), "vkCreateSemaphore");
	s.pNext = &type;
	if (options.timeline)
		must(vkCreateSemaphore(device, &s, NULL, &timeline), "vkCreateSemaphore");
	else
		must(vkCreateFence(device, &f, NULL, &fence), "vkCreateFence");
}

static unsigned int number(const char *option, unsigned int most)
{
	char *end;
	unsigned long n = strtoul(optarg, &end, 10);

	if (!n || n > most || *end) {
		fprintf(stderr, "dmabuf-vulkan: --%s cannot be '%s'; see --help\n", option, optarg);
		exit(2);
	}
	return n;
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "turns", required_argument, NULL, 't' },
		{ "lasting", no_argument, NULL, 'l' },
		{ "thread", no_argument, NULL, 'r' },
		{ "queues", required_argument, NULL, 'q' },
		{ "timeline", no_argument, NULL, 'i' },
		{ "gpu", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 't':
			options.turns = number("turns", 1000000);
			break;
		case 'l':
			options.lasting = true;
			break;
		case 'r':
			options.thread = true;
			break;
		case 'q':
			options.queues = number("queues", 16);
			break;
		case 'i':
			options.timeline = true;
			break;
		case 'g':
			options.gpu = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			exit(2);	/* getopt_long() has said why */
		}
	}
	if (optind < argc) {
		fprintf(stderr, "dmabuf-vulkan: it takes options only, not '%s'; see --help\n",
			argv[optind]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	pthread_t thread;

	read_options(argc, argv);
	other_begin(SIZE + SPARE);
	choose_gpu();
	make_device();
	make_work();
	make_signals();
	sem_init(&go, 0, 0);
	if (options.thread && pthread_create(&thread, NULL, submit_all, NULL))
		fail("there is no thread to be had");
	take_turns();
	if (options.thread)
		pthread_join(thread, NULL);
	printf("%s: %u turns: wrong are %lu of %lu bytes on their way to the other device, and"
	       " %lu of %lu to the program\n", name, options.turns, wrong[0],
	       (unsigned long)options.turns * HALF, wrong[1], (unsigned long)options.turns * SIZE);
	/* What work is still queued is waited for. */
	vkDeviceWaitIdle(device);
	vkDestroyDevice(device, NULL);
	return wrong[0] || wrong[1];
}
