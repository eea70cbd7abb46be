// SPDX-License-Identifier: MIT
/* Seccomp filters; see sandbox-filter.h. */
#define _GNU_SOURCE
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "fake/fake.h"
#include "sandbox-filter.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCH AUDIT_ARCH_S390X
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW 4
#else
#define LOW 0
#endif

static struct sock_filter code[4096];
static unsigned short length;

static void emit(unsigned short op, uint32_t k, unsigned char yes, unsigned char no)
{
	code[length++] = (struct sock_filter){ op, yes, no, k };
}

static void load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void load_argument(int n)
{
	load(offsetof(struct seccomp_data, args) + n * 8 + LOW);
}

/* Goes on with the next instruction where it is that, else past @skip of them. */
static void unless_skip(uint32_t value, unsigned char skip)
{
	emit(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
}

static void answer(uint32_t action)
{
	emit(BPF_RET | BPF_K, action, 0, 0);
}

static void compile(const struct filter *f)
{
	length = 0;
#ifdef ARCH
	load(offsetof(struct seccomp_data, arch));
	emit(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	answer(SECCOMP_RET_KILL);
#endif
	/*
	 * The fake kernel's own calls are not the process's. Its mark may still be in the register
	 * when a handler that has interrupted it calls abort().
	 */
	load(offsetof(struct seccomp_data, nr));
	emit(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 3, 0);
	load_argument(5);
	unless_skip(FAKE_MARK, 1);
	answer(SECCOMP_RET_ALLOW);
	load(offsetof(struct seccomp_data, nr));
	unless_skip(SYS_process_vm_readv, 1);
	answer(SECCOMP_RET_ALLOW);
	unless_skip(SYS_process_vm_writev, 1);
	answer(SECCOMP_RET_ALLOW);
	for (int i = 0; i < f->n; i++) {
		const struct rule *r = &f->rules[i];

		load(offsetof(struct seccomp_data, nr));
		unless_skip(r->number, r->arg < 0 ? 1 : 4);
		if (r->arg >= 0) {
			load_argument(r->arg);
			emit(BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
			unless_skip(r->value, 1);
		}
		answer(r->action);
	}
	if (f->others != SECCOMP_RET_TRACE) {
		answer(f->others);
		return;
	}
	/* The tracer is told the number. */
	load(offsetof(struct seccomp_data, nr));
	emit(BPF_ALU | BPF_ADD | BPF_K, SECCOMP_RET_TRACE, 0, 0);
	emit(BPF_RET | BPF_A, 0, 0, 0);
}

int filter_install(const struct filter *f, bool raw)
{
	struct sock_fprog p = { .filter = code };

	compile(f);
	p.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	if (raw)
		return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p);
}

const char *filter_text(const struct filter *f)
{
	static char text[MOST_RULES * 48];
	int at = sprintf(text, "%x", f->others);

	for (int i = 0; i < f->n; i++)
		at += sprintf(text + at, " %x:%x:%x:%x:%x", f->rules[i].number, f->rules[i].arg,
			      f->rules[i].value, f->rules[i].mask, f->rules[i].action);
	return text;
}

struct filter filter_parse(const char *text)
{
	struct filter f = { 0 };
	char *at;

	f.others = strtoul(text, &at, 16);
	while (*at == ' ' && f.n < MOST_RULES) {
		struct rule *r = &f.rules[f.n++];

		r->number = strtoul(at + 1, &at, 16);
		r->arg = (int)strtoul(at + 1, &at, 16);
		r->value = strtoul(at + 1, &at, 16);
		r->mask = strtoul(at + 1, &at, 16);
		r->action = strtoul(at + 1, &at, 16);
	}
	return f;
}
