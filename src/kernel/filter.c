// SPDX-License-Identifier: MIT
/* What a seccomp filter answers to each call that the shim makes; see filter.h. */
#include "config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <linux/audit.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>

#include "compat.h"
#include "filter.h"
#include "next.h"
#include "sandbox.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#elif defined(__riscv) && __riscv_xlen == 64 && defined(AUDIT_ARCH_RISCV64)
#define ARCH AUDIT_ARCH_RISCV64
#endif

/* Older headers lack these. */
#define RET_ACTION	0xffff0000U
#define RET_LOG		0x7ffc0000U	/* 4.14 */

/* Each call with the arguments that the shim passes. */
#define ANY_FD		5
#define CALL(may, ...)	{ may, { __VA_ARGS__ } }

struct sample {
	unsigned int may;
	uint64_t number_and_args[7];
};

#ifdef SYS_mmap2
#define SAMPLE_MMAP	SYS_mmap2
#else
#define SAMPLE_MMAP	SYS_mmap
#endif
#ifdef SYS_fcntl64
#define SAMPLE_FCNTL	SYS_fcntl64
#else
#define SAMPLE_FCNTL	SYS_fcntl
#endif
#ifdef SYS_poll
#define SAMPLE_POLL	SYS_poll
#else
#define SAMPLE_POLL	SYS_ppoll
#endif

#if !defined(SYS_clock_gettime) && defined(SYS_clock_gettime32)
#define SYS_clock_gettime SYS_clock_gettime32	/* musl's name where a long has 32 bits */
#endif

#ifdef SYS_rt_sigtimedwait
#define SAMPLE_SIGTIMEDWAIT	SYS_rt_sigtimedwait
#else
#define SAMPLE_SIGTIMEDWAIT	SYS_rt_sigtimedwait_time64
#endif

static const struct sample samples[] = {
#ifdef SYS_fstat64
	CALL(MAY_FSTAT, SYS_fstat64, ANY_FD),
	CALL(MAY_FSTATAT, SYS_fstatat64, ANY_FD),
#else
	CALL(MAY_FSTAT, SYS_fstat, ANY_FD),
	CALL(MAY_FSTATAT, SYS_newfstatat, ANY_FD, 0, 0, AT_EMPTY_PATH),
#endif
#if __SIZEOF_LONG__ == 4 && defined(SYS_statx)
	CALL(MAY_FSTATAT, SYS_statx, ANY_FD, 0, AT_EMPTY_PATH),
#endif
	CALL(MAY_RECORD, SYS_close, ANY_FD),
	CALL(MAY_RECORD, SYS_munmap, 0, 4096),
	CALL(MAY_RECORD, SYS_ioctl, ANY_FD, DRM_IOCTL_VERSION),
	CALL(MAY_RECORD, SYS_ioctl, ANY_FD, DRM_IOCTL_PRIME_HANDLE_TO_FD),
	CALL(MAY_RECORD, SAMPLE_MMAP, 0, 4096, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(MAY_RECORD, SAMPLE_MMAP, 0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	CALL(MAY_RECORD, SAMPLE_MMAP, 0, 1, PROT_READ, MAP_SHARED, ANY_FD),
	CALL(MAY_NOREPLACE, SAMPLE_MMAP, 4096, 4096, PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1),
	CALL(MAY_SYNC, SYS_ioctl, ANY_FD, DMA_BUF_IOCTL_SYNC),
	CALL(MAY_FENCE, SYS_ioctl, ANY_FD, SYNC_IOC_FILE_INFO),
	CALL(MAY_DUPFD, SAMPLE_FCNTL, ANY_FD, F_DUPFD_CLOEXEC, 768),
	CALL(MAY_GETFL, SAMPLE_FCNTL, ANY_FD, F_GETFL),
	CALL(MAY_GETFL, SAMPLE_FCNTL, ANY_FD, F_GETFD),
	CALL(MAY_POLL, SAMPLE_POLL, 0, 1),
	CALL(MAY_FUTEX, SYS_futex, 0, FUTEX_WAIT_PRIVATE),
	CALL(MAY_FUTEX, SYS_futex, 0, FUTEX_WAKE_OP_PRIVATE),
	CALL(MAY_WRITE | MAY_FILES, SYS_write, STDERR_FILENO, 0, 80),
	CALL(MAY_WRITE | MAY_FILES, SAMPLE_SIGTIMEDWAIT, 0, 0, 0, 8),
	CALL(MAY_WRITE, SYS_ioctl, STDERR_FILENO, TCGETS),
	CALL(MAY_SIGPENDING | MAY_FILES, SYS_rt_sigpending, 0, 8),
#ifdef SYS_sendto
	CALL(MAY_SEND, SYS_sendto, STDERR_FILENO, 0, 80, MSG_DONTWAIT | MSG_NOSIGNAL),
#endif
#ifdef SYS_open
	CALL(MAY_PROC, SYS_open, 0, O_RDONLY | O_CLOEXEC),
	CALL(MAY_FILES, SYS_open, 0, O_RDWR | O_CREAT | O_EXCL, 0600),
#endif
	CALL(MAY_PROC, SYS_openat, AT_FDCWD, 0, O_RDONLY | O_CLOEXEC),
	CALL(MAY_PROC | MAY_FILES, SYS_read, ANY_FD, 0, 1024),
	CALL(MAY_FILES, SYS_openat, ANY_FD, 0, O_RDWR | O_CREAT | O_EXCL, 0600),
	CALL(MAY_FILES, SYS_openat, ANY_FD, 0, O_RDONLY | O_CLOEXEC),
	CALL(MAY_FILES, SYS_openat, AT_FDCWD, 0, O_RDONLY | O_DIRECTORY),
	CALL(MAY_FILES, SYS_openat, AT_FDCWD, 0, O_WRONLY | O_APPEND),
#ifdef SYS_mkdir
	CALL(MAY_FILES, SYS_mkdir, 0, 0700),
#endif
	CALL(MAY_FILES, SYS_mkdirat, AT_FDCWD, 0, 0700),
	CALL(MAY_FILES, SYS_unlinkat, ANY_FD),
#ifdef SYS_geteuid32
	CALL(MAY_FILES, SYS_geteuid32),
#else
	CALL(MAY_FILES, SYS_geteuid),
#endif
	CALL(MAY_FILES, SYS_getppid),
	CALL(MAY_FILES, SYS_gettid),
	CALL(MAY_FILES, SYS_prlimit64, 0, RLIMIT_FSIZE),
	CALL(MAY_FILES, SYS_fallocate, ANY_FD, 0, 0, 4096),
	CALL(MAY_FILES, SYS_pwrite64, ANY_FD, 0, 1, 4095),
#ifdef SYS_fstatfs64
	CALL(MAY_FILES, SYS_fstatfs64, ANY_FD),
#else
	CALL(MAY_FILES, SYS_fstatfs, ANY_FD),
#endif
	CALL(MAY_FILES, SYS_ioctl, ANY_FD, _IOW(0x94, 9, int) /* FICLONE */),
	CALL(MAY_FILES, SYS_clock_gettime, CLOCK_REALTIME),
	CALL(MAY_FILES, SAMPLE_MMAP, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ANY_FD),
	CALL(MAY_CLOCK, SYS_clock_gettime, CLOCK_MONOTONIC),
#ifdef SYS_clock_gettime64
	CALL(MAY_CLOCK, SYS_clock_gettime64, CLOCK_MONOTONIC),
	CALL(MAY_FILES, SYS_clock_gettime64, CLOCK_REALTIME),
#endif
	CALL(MAY_GETPID, SYS_getpid),
	CALL(MAY_MADVISE, SYS_madvise, 0, 4096, MADV_WIPEONFORK),
	CALL(MAY_MADVISE, SYS_madvise, 0, 4096, MADV_DONTNEED),
	CALL(MAY_PROTECT, SYS_mprotect, 0, 4096, PROT_READ | PROT_WRITE),
	CALL(MAY_SIGPROCMASK | MAY_FILES, SYS_rt_sigprocmask, 2, 0, 0, 8),
	CALL(MAY_ALTSTACK, SYS_sigaltstack),
	CALL(MAY_KCMP, SYS_kcmp, 0, 0, 0, ANY_FD, ANY_FD),
	CALL(MAY_MSYNC, SYS_msync, 0, 4096, MS_ASYNC),
};

static uint32_t calculate(unsigned int op, uint32_t a, uint32_t v)
{
	switch (op) {
	case BPF_ADD:
		return a + v;
	case BPF_SUB:
		return a - v;
	case BPF_MUL:
		return a * v;
	case BPF_DIV:
		return a / v;
	case BPF_AND:
		return a & v;
	case BPF_OR:
		return a | v;
	case BPF_XOR:
		return a ^ v;
	case BPF_LSH:
		return a << (v & 31);
	case BPF_RSH:
		return a >> (v & 31);
	default:
		return -a;	/* BPF_NEG */
	}
}

static bool jumps(unsigned int op, uint32_t a, uint32_t v)
{
	switch (op) {
	case BPF_JEQ:
		return a == v;
	case BPF_JGT:
		return a > v;
	case BPF_JGE:
		return a >= v;
	default:
		return a & v;	/* BPF_JSET */
	}
}

/* BPF_LD and BPF_LDX. */
static uint32_t load(const struct sock_filter *i, const struct seccomp_data *d, const uint32_t *m)
{
	uint32_t word;

	switch (BPF_MODE(i->code)) {
	case BPF_ABS:
		memcpy(&word, (const char *)d + i->k / 4 * 4 % sizeof(*d), sizeof(word));
		return word;
	case BPF_MEM:
		return m[i->k % BPF_MEMWORDS];
	case BPF_LEN:
		return sizeof(*d);
	default:
		return i->k;	/* BPF_IMM */
	}
}

/*
 * The filter's answer to a call. The kernel has checked the filter: it jumps only forward, and ends
 * with an answer (seccomp_check_filter(), 3.5 to 7.3). Another thread may overwrite the
 * instructions meanwhile: the answer is arbitrary then, and this function still reads no memory but
 * the filter's.
 */
static uint32_t answer(const struct sock_fprog *p, const struct seccomp_data *d)
{
	uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

	for (unsigned int pc = 0; pc < p->len; pc++) {
		const struct sock_filter i = p->filter[pc];
		uint32_t v = BPF_SRC(i.code) == BPF_X ? x : i.k;
		unsigned int op = BPF_OP(i.code);

		switch (BPF_CLASS(i.code)) {
		case BPF_LD:
			a = load(&i, d, memory);
			break;
		case BPF_LDX:
			x = load(&i, d, memory);
			break;
		case BPF_ST:
			memory[i.k % BPF_MEMWORDS] = a;
			break;
		case BPF_STX:
			memory[i.k % BPF_MEMWORDS] = x;
			break;
		case BPF_ALU:
			/* The kernel returns 0 there as well. */
			if (op == BPF_DIV && !v)
				return SECCOMP_RET_KILL;
			a = calculate(op, a, v);
			break;
		case BPF_JMP:
			if (op != BPF_JA)
				pc += jumps(op, a, v) ? i.jt : i.jf;
			else if (i.k < p->len)
				pc += i.k;
			break;
		case BPF_RET:
			return BPF_RVAL(i.code) == BPF_A ? a : i.k;
		default:	/* BPF_MISC */
			if (BPF_MISCOP(i.code) == BPF_TAX)
				x = a;
			else
				a = x;
			break;
		}
	}
	return SECCOMP_RET_KILL;
}

unsigned int filter_refuses(const struct sock_fprog *p)
{
#ifndef ARCH
	(void)p;
	(void)answer;
	return MAY_UNSURE;
#else
	unsigned int refused = 0;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct seccomp_data d = {
			.nr = samples[i].number_and_args[0], .arch = ARCH,
			.instruction_pointer = (uintptr_t)next.ioctl,
		};
		uint32_t action;

		memcpy(d.args, &samples[i].number_and_args[1], sizeof(d.args));
		action = answer(p, &d) & RET_ACTION;
		if (action != SECCOMP_RET_ALLOW && action != RET_LOG)
			refused |= samples[i].may;
	}
	return refused;
#endif
}
