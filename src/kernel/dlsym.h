/* SPDX-License-Identifier: MIT */
/*
 * dlsym() of its oldest version, so that the object loads where glibc is older than 2.34. To be
 * included by each file that calls dlsym().
 */
#ifndef PRIMESHIM_DLSYM_H
#define PRIMESHIM_DLSYM_H

#include <dlfcn.h>

#ifdef __GLIBC__
#ifdef __x86_64__
#define OLDEST "GLIBC_2.2.5"
#elif defined(__i386__)
#define OLDEST "GLIBC_2.0"
#elif defined(__arm__)
#define OLDEST "GLIBC_2.4"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#elif defined(__riscv) && __riscv_xlen == 64
#define OLDEST "GLIBC_2.27"
#elif defined(__s390x__)
#define OLDEST "GLIBC_2.2"
#endif
#endif
#ifdef OLDEST
__asm__(".symver dlsym, dlsym@" OLDEST);
#endif

#endif
