// SPDX-License-Identifier: MIT
/*
 * What is around the fuzzer's threads. --few N: takes all but N of the numbers at which the shim
 * keeps descriptors.
 */
#define _GNU_SOURCE
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

int few = -1;

void few_start(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int n = PRIVATE_FIRST; n < PRIVATE_END - few; n++)
		if (dup3(null, n, O_CLOEXEC) != n)
			abort();
	close(null);
}
