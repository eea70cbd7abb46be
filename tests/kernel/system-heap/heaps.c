// SPDX-License-Identifier: MIT
/*
 * A kernel module, for virtual machines alone: the kernel's own dma-heap and system heap, which
 * Debian's arm64 kernel does not have. Their two files come from Debian's linux-source; this file
 * makes one module of them.
 */
#include <linux/module.h>

#undef subsys_initcall
#define subsys_initcall(init)
#undef module_init
#define module_init(init)

#include "dma-heap.c"
#include "system_heap.c"

static int __init heaps_init(void)
{
	int ret = dma_heap_init();

	return ret ? ret : system_heap_create();
}

int init_module(void) __attribute__((alias("heaps_init")));

MODULE_DESCRIPTION("dma-heap and its system heap");
MODULE_IMPORT_NS(DMA_BUF);
MODULE_LICENSE("Dual MIT/GPL");
