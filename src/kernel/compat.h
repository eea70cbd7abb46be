/* SPDX-License-Identifier: MIT */
/* Constants of the kernel that the headers of some libc lack. */
#ifndef PRIMESHIM_COMPAT_H
#define PRIMESHIM_COMPAT_H

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK		18		/* 4.14 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000	/* 4.17 */
#endif
#ifndef MAP_TYPE
#define MAP_TYPE		0x0f
#endif
#ifndef PR_SET_NO_NEW_PRIVS
#define PR_SET_NO_NEW_PRIVS	38		/* 3.5 */
#endif
#ifndef SYS_futex
#define SYS_futex		SYS_futex_time64	/* 32-bit ports since 5.1 have no other */
#endif

#endif
