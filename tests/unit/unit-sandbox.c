// SPDX-License-Identifier: MIT
/*
 * What a seccomp filter decides for each call: the shim runs its instructions like the kernel.
 * Check gives each test a process of its own, and so an empty sandbox.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "kernel/sandbox.h"
#include "unit.h"

#ifndef PR_SET_NO_NEW_PRIVS
#define PR_SET_NO_NEW_PRIVS 38
#endif

#define STEP(code, k)		{ (code), 0, 0, (k) }
#define JUMP(op, k, yes, no)	{ BPF_JMP | (op) | BPF_K, (yes), (no), (k) }
#define LOAD(field)		STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action)		STEP(BPF_RET | BPF_K, (action))
#define ALLOW			RETURN(SECCOMP_RET_ALLOW)
#define KILL			RETURN(SECCOMP_RET_KILL)

static void filter(struct sock_filter *code, size_t n)
{
	const struct sock_fprog p = { .len = n, .filter = code };

	sandbox_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, false);
}

#define FILTER(...)							\
	do {								\
		struct sock_filter code[] = { __VA_ARGS__ };		\
		filter(code, sizeof(code) / sizeof(*code));		\
	} while (0)

static bool may_but(unsigned int calls)
{
	for (unsigned int bit = 1; bit < MAY_ALL; bit <<= 1)
		if (sandbox_may(bit) == !!(calls & bit))
			return false;
	return true;
}

START_TEST(nothing_is_forbidden_where_there_is_no_filter)
{
	ck_assert(may_but(0));
	FILTER(ALLOW);
	ck_assert(may_but(0));
}
END_TEST

START_TEST(each_filter_forbids_more)
{
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_kcmp, 0, 1), RETURN(SECCOMP_RET_ERRNO | 1), ALLOW);
	ck_assert(may_but(MAY_KCMP));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_getpid, 0, 1), KILL, ALLOW);
	ck_assert(may_but(MAY_KCMP | MAY_GETPID));
	FILTER(ALLOW);
	ck_assert(may_but(MAY_KCMP | MAY_GETPID));
	FILTER(KILL);
	ck_assert(may_but(MAY_ALL));
}
END_TEST

START_TEST(an_announced_filter_forbids_what_is_not_sure)
{
	sandbox_prctl(PR_SET_NO_NEW_PRIVS, 1, NULL, false);
	ck_assert(!sandbox_may(MAY_KCMP) && !sandbox_may(MAY_PROC) && !sandbox_may(MAY_FILES));
	ck_assert(sandbox_may(MAY_RECORD) && sandbox_may(MAY_SYNC) && sandbox_may(MAY_DUPFD));
	/* Until it is seen. */
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_kcmp, 0, 1), KILL, ALLOW);
	ck_assert(may_but(MAY_KCMP));
	sandbox_prctl(PR_SET_NO_NEW_PRIVS, 1, NULL, false);
	ck_assert(may_but(MAY_KCMP));
}
END_TEST

START_TEST(a_filter_that_came_unseen_is_not_forgotten)
{
	struct sock_filter code[] = { ALLOW };
	const struct sock_fprog p = { .len = 1, .filter = code };

	ck_assert(!sandbox_unseen());
	sandbox_prctl(PR_SET_NO_NEW_PRIVS, 1, NULL, false);
	ck_assert(!sandbox_unseen());
	ck_assert(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0) {
		/* QEMU's user mode has no filters. */
		ck_assert_int_eq(errno, ENOSYS);
		return;
	}
	ck_assert(sandbox_unseen());
	sandbox_prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p, true);
	ck_assert(!sandbox_may(MAY_KCMP) && !sandbox_may(MAY_PROC) && sandbox_may(MAY_RECORD));
}
END_TEST

START_TEST(the_strict_mode_forbids_all)
{
	sandbox_prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, NULL, false);
	ck_assert(may_but(MAY_ALL));
}
END_TEST

START_TEST(of_two_that_do_one_is_enough)
{
#ifdef SYS_fstat64
	/* libc makes the call, whichever of the two it likes. */
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fstat, 0, 1), KILL, ALLOW);
	ck_assert(may_but(0));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fstat64, 0, 1), KILL, ALLOW);
	ck_assert(may_but(MAY_FSTAT | MAY_RECORD));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fstatat64, 0, 1), KILL, ALLOW);
#else
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fstat, 0, 1), KILL, ALLOW);
	ck_assert(may_but(MAY_FSTAT));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_newfstatat, 0, 1), KILL, ALLOW);
#endif
	ck_assert(may_but(MAY_FSTAT | MAY_FSTATAT | MAY_RECORD));
}
END_TEST

START_TEST(only_some_answers_allow)
{
	FILTER(RETURN(SECCOMP_RET_ALLOW | 5));
	FILTER(RETURN(0x7ffc0000));	/* SECCOMP_RET_LOG */
	ck_assert(may_but(0));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_kcmp, 0, 1), RETURN(SECCOMP_RET_TRAP), ALLOW);
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_getpid, 0, 1), RETURN(SECCOMP_RET_TRACE), ALLOW);
	ck_assert(may_but(MAY_KCMP | MAY_GETPID));
}
END_TEST

/*
 * Each program says ALLOW of every call if the instruction does what it should, and KILL if not, by
 * the accumulator's last value.
 */
#define GIVES(value, ...)						\
	do {								\
		FILTER(__VA_ARGS__, JUMP(BPF_JEQ, (value), 1, 0), KILL, ALLOW);	\
		ck_assert_msg(may_but(0), "not " #value);		\
	} while (0)
#define A(k)		STEP(BPF_LD | BPF_IMM, (k))
#define X(k)		STEP(BPF_LDX | BPF_W | BPF_IMM, (k))
#define ALU(op, k)	STEP(BPF_ALU | (op) | BPF_K, (k))
#define ALU_X(op)	STEP(BPF_ALU | (op) | BPF_X, 0)

START_TEST(arithmetic)
{
	GIVES(12, A(7), ALU(BPF_ADD, 5));
	GIVES(2, A(7), X(5), ALU_X(BPF_SUB));
	GIVES((uint32_t)-1, A(4), ALU(BPF_SUB, 5));
	GIVES(35, A(7), ALU(BPF_MUL, 5));
	GIVES(3, A(17), X(5), ALU_X(BPF_DIV));
	GIVES(5, A(7), ALU(BPF_AND, 0xd));
	GIVES(15, A(7), ALU(BPF_OR, 0xd));
	GIVES(10, A(7), ALU(BPF_XOR, 0xd));
	GIVES(28, A(7), ALU(BPF_LSH, 2));
	GIVES(1, A(7), X(2), ALU_X(BPF_RSH));
	GIVES((uint32_t)-7, A(7), ALU(BPF_NEG, 0));
}
END_TEST

START_TEST(a_division_by_nothing_is_the_end)
{
	FILTER(A(7), X(0), ALU_X(BPF_DIV), ALLOW);
	ck_assert(may_but(MAY_ALL));
}
END_TEST

START_TEST(registers_and_memory)
{
	GIVES(7, A(7), STEP(BPF_ST, 3), A(1), STEP(BPF_LD | BPF_MEM, 3));
	GIVES(7, X(7), STEP(BPF_STX, 15), STEP(BPF_LD | BPF_MEM, 15));
	GIVES(9, A(9), STEP(BPF_ST, 0), STEP(BPF_LDX | BPF_W | BPF_MEM, 0), A(1),
	      STEP(BPF_MISC | BPF_TXA, 0));
	GIVES(8, A(4), STEP(BPF_MISC | BPF_TAX, 0), ALU_X(BPF_ADD));
	GIVES(sizeof(struct seccomp_data), STEP(BPF_LD | BPF_W | BPF_LEN, 0));
	GIVES(sizeof(struct seccomp_data), STEP(BPF_LDX | BPF_W | BPF_LEN, 0),
	      STEP(BPF_MISC | BPF_TXA, 0));
}
END_TEST

START_TEST(jumps)
{
	GIVES(1, A(5), JUMP(BPF_JGT, 4, 0, 1), A(1));
	GIVES(5, A(5), JUMP(BPF_JGT, 5, 0, 1), A(1));
	GIVES(1, A(5), JUMP(BPF_JGE, 5, 0, 1), A(1));
	GIVES(1, A(5), JUMP(BPF_JSET, 4, 0, 1), A(1));
	GIVES(5, A(5), JUMP(BPF_JSET, 2, 0, 1), A(1));
	GIVES(1, A(1), STEP(BPF_JMP | BPF_JA, 2), A(2), A(3));
	GIVES(1, A(1), X(1), { BPF_JMP | BPF_JEQ | BPF_X, 1, 0, 0 }, A(2));
	FILTER(LOAD(nr), ALU(BPF_AND, 0), ALU(BPF_OR, SECCOMP_RET_ALLOW), STEP(BPF_RET | BPF_A, 0));
	ck_assert(may_but(0));
}
END_TEST

START_TEST(the_arguments_are_the_shims)
{
	const size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;

	/* fcntl() but for that command. */
#ifdef SYS_fcntl64
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fcntl64, 0, 3),
#else
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_fcntl, 0, 3),
#endif
	       STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + low),
	       JUMP(BPF_JEQ, F_DUPFD_CLOEXEC, 1, 0), KILL, ALLOW);
	ck_assert(may_but(MAY_GETFL));
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_prlimit64, 0, 3),
	       STEP(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + low),
	       JUMP(BPF_JEQ, 0, 1, 0), KILL, ALLOW);
	ck_assert(may_but(MAY_GETFL));
}
END_TEST

START_TEST(what_has_failed_is_not_asked_again)
{
	sandbox_failed(MAY_KCMP, 9);
	ck_assert(may_but(0));
	sandbox_failed(MAY_KCMP, 1);
	ck_assert(may_but(MAY_KCMP));
}
END_TEST

START_TEST(the_process_is_known_by_its_number)
{
	ck_assert_int_eq(sandbox_pid(), getpid());
	FILTER(LOAD(nr), JUMP(BPF_JEQ, SYS_getpid, 0, 1), KILL, ALLOW);
	ck_assert_int_eq(sandbox_pid(), getpid());
	sandbox_forked();
	ck_assert_int_eq(sandbox_pid(), 0);
}
END_TEST

START_TEST(what_is_done_without_is_told)
{
	char text[128], little[8];

	ck_assert_str_eq(sandbox_lacks(text, sizeof(text)), "");
	sandbox_failed(MAY_KCMP, 1);
	sandbox_failed(MAY_PROC, 1);
	ck_assert_str_eq(sandbox_lacks(text, sizeof(text)), "/proc, kcmp");
	ck_assert_str_eq(sandbox_lacks(little, sizeof(little)), "/proc, ");
}
END_TEST

TCase *sandbox_tests(void)
{
	TCase *t = tcase_create("sandbox");

	tcase_add_test(t, nothing_is_forbidden_where_there_is_no_filter);
	tcase_add_test(t, each_filter_forbids_more);
	tcase_add_test(t, an_announced_filter_forbids_what_is_not_sure);
	tcase_add_test(t, a_filter_that_came_unseen_is_not_forgotten);
	tcase_add_test(t, the_strict_mode_forbids_all);
	tcase_add_test(t, of_two_that_do_one_is_enough);
	tcase_add_test(t, only_some_answers_allow);
	tcase_add_test(t, arithmetic);
	tcase_add_test(t, a_division_by_nothing_is_the_end);
	tcase_add_test(t, registers_and_memory);
	tcase_add_test(t, jumps);
	tcase_add_test(t, the_arguments_are_the_shims);
	tcase_add_test(t, what_has_failed_is_not_asked_again);
	tcase_add_test(t, the_process_is_known_by_its_number);
	tcase_add_test(t, what_is_done_without_is_told);
	return t;
}
