/* SPDX-License-Identifier: MIT */
/* Seccomp filters for tests/process/sandbox.c and its client. */
#ifndef PRIMESHIM_SANDBOX_FILTER_H
#define PRIMESHIM_SANDBOX_FILTER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What befalls a system call, or only that with the argument number @arg (-1: any) of that value,
 * masked: SECCOMP_RET_*.
 */
struct rule {
	int number;
	int arg;
	uint32_t value, mask;
	uint32_t action;
};

enum { MOST_RULES = 512 };

/* The first rule that fits counts; @others: where there is none. */
struct filter {
	uint32_t others;
	int n;
	struct rule rules[MOST_RULES];
};

/* As text "OTHERS NUMBER:ARG:VALUE:MASK:ACTION ...", and back. */
const char *filter_text(const struct filter *f);
struct filter filter_parse(const char *text);

/* By prctl(2), or @raw by seccomp(2), after prctl(PR_SET_NO_NEW_PRIVS). 0 or -1 and errno. */
int filter_install(const struct filter *f, bool raw);

/* sandbox-client.c: the program that runs under a filter; its exit status. */
int client(char **arg);

#endif
