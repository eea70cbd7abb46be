// SPDX-License-Identifier: MIT
/*
 * Draws into another device's dma-buf by the CPU, through Vulkan: imports it as Vulkan memory and
 * draws where vkMapMemory() maps it. An ordinary program, which knows nothing of primeshim.
 */
#define _GNU_SOURCE	/* F_DUPFD_CLOEXEC */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <vulkan/vulkan.h>
#include <xf86drm.h>

#include "dmabuf-picture.h"

/* Mesa's v3dv wants a dma-buf that is larger than the memory. The last four lines stay black. */
#define DRAWN	(SIZE - 4 * STRIDE)

static const char usage[] =
	"Usage: vulkan-map CARD OUT.png [IN.png]\n"
	"Imports a black udmabuf as memory of the Vulkan device whose node is CARD, draws a test\n"
	"picture where vkMapMemory() maps it, and writes what another device finds in the dma-buf\n"
	"to OUT.png, and to IN.png what was drawn.\n"
	"\n"
	"Exit status: 0 drawn and written, 1 a step failed, 2 bad use\n";

static void must(VkResult result, const char *what)
{
	if (result < 0)
		fail("%s: VkResult %d", what, result);
}

static bool is_node(VkPhysicalDevice gpu, const struct stat *node)
{
	VkPhysicalDeviceDrmPropertiesEXT drm = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT,
	};
	VkPhysicalDeviceProperties2 properties = {
		.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &drm,
	};

	vkGetPhysicalDeviceProperties2(gpu, &properties);
	return drm.hasRender && drm.renderMajor == major(node->st_rdev) &&
	       drm.renderMinor == minor(node->st_rdev);
}

/* The one of that card, whose other node Vulkan has opened. */
static VkPhysicalDevice choose_gpu(VkInstance instance, int card)
{
	VkPhysicalDevice found[16];
	uint32_t n = 16;
	char *node = drmGetRenderDeviceNameFromFd(card);
	struct stat st;

	if (!node || stat(node, &st))
		fail("the card has no render node");
	free(node);
	must(vkEnumeratePhysicalDevices(instance, &n, found), "vkEnumeratePhysicalDevices");
	for (uint32_t i = 0; i < n; i++)
		if (is_node(found[i], &st))
			return found[i];
	fail("of %u Vulkan devices none is the card's", n);
}

static VkDevice make_device(VkPhysicalDevice gpu)
{
	static const float priority = 1;
	static const char *const extensions[] = {
		VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
		VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
	};
	const VkDeviceQueueCreateInfo queue = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
		.queueCount = 1, .pQueuePriorities = &priority,
	};
	const VkDeviceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
		.queueCreateInfoCount = 1, .pQueueCreateInfos = &queue,
		.enabledExtensionCount = 2, .ppEnabledExtensionNames = extensions,
	};
	VkDevice device;

	must(vkCreateDevice(gpu, &info, NULL, &device), "vkCreateDevice");
	return device;
}

static VkDeviceMemory import(VkPhysicalDevice gpu, VkDevice device, int dmabuf)
{
	const VkImportMemoryFdInfoKHR from = {
		.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
		.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
		.fd = fcntl(dmabuf, F_DUPFD_CLOEXEC, 0),
	};
	VkMemoryAllocateInfo info = {
		.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &from,
		.allocationSize = DRAWN,
	};
	VkMemoryFdPropertiesKHR can = { .sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR };
	PFN_vkGetMemoryFdPropertiesKHR fd_properties = (PFN_vkGetMemoryFdPropertiesKHR)
		vkGetDeviceProcAddr(device, "vkGetMemoryFdPropertiesKHR");
	VkPhysicalDeviceMemoryProperties have;
	VkDeviceMemory memory;

	must(fd_properties(device, from.handleType, dmabuf, &can), "vkGetMemoryFdPropertiesKHR");
	vkGetPhysicalDeviceMemoryProperties(gpu, &have);
	while (info.memoryTypeIndex < have.memoryTypeCount &&
	       !(can.memoryTypeBits & 1U << info.memoryTypeIndex &&
		 have.memoryTypes[info.memoryTypeIndex].propertyFlags &
		 VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
		info.memoryTypeIndex++;
	if (info.memoryTypeIndex == have.memoryTypeCount)
		fail("no memory that can be mapped can be imported");
	must(vkAllocateMemory(device, &info, NULL, &memory), "vkAllocateMemory of the dma-buf");
	return memory;
}

static void draw(int card, const char *out, const char *in)
{
	const VkApplicationInfo app = {
		.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1,
	};
	const VkInstanceCreateInfo info = {
		.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app,
	};
	static uint8_t picture[SIZE];
	int dmabuf = make_black("udmabuf");
	VkInstance instance;
	VkPhysicalDevice gpu;
	VkDevice device;
	VkDeviceMemory memory;
	void *p;

	draw_picture(picture);
	memset(picture + DRAWN, 0, SIZE - DRAWN);
	if (in)
		write_rgb(in, picture, true);
	must(vkCreateInstance(&info, NULL, &instance), "vkCreateInstance");
	gpu = choose_gpu(instance, card);
	device = make_device(gpu);
	memory = import(gpu, device, dmabuf);
	must(vkMapMemory(device, memory, 0, DRAWN, 0, &p), "vkMapMemory");
	memcpy(p, picture, DRAWN);
	vkUnmapMemory(device, memory);
	vkFreeMemory(device, memory, NULL);
	vkDestroyDevice(device, NULL);
	vkDestroyInstance(instance, NULL);
	write_dmabuf(dmabuf, out);
	close(dmabuf);
}

int main(int argc, char **argv)
{
	return card_main(argc, argv, usage, draw);
}
