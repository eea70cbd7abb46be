// SPDX-License-Identifier: MIT
/* Prints the tables of src/drivers/ for tables.sh: a line for each entry, in numbers. */
#include "config.h"

#include <stdio.h>
#include <sys/ioctl.h>

#include "drivers/drivers.h"

static const char *const roles[ROLE_COUNT] = {
	[ROLE_NONE] = "none", [ROLE_IMPORT] = "import", [ROLE_EXPORT] = "export",
	[ROLE_CLOSE] = "close", [ROLE_RENAME] = "rename", [ROLE_CREATE] = "create",
	[ROLE_MAP_OFFSET] = "map-offset", [ROLE_TELL_OFFSET] = "tell-offset",
	[ROLE_MAP_ADDRESS] = "map-address", [ROLE_CPU_BEGIN] = "cpu-begin",
	[ROLE_CPU_END] = "cpu-end", [ROLE_WAIT] = "wait", [ROLE_WAIT_ANY] = "wait-any",
	[ROLE_FRAME] = "frame", [ROLE_SCANOUT] = "scanout", [ROLE_SUBMIT] = "submit",
	[ROLE_SUBMIT_ANY] = "submit-any", [ROLE_BIND] = "bind",
};

static void bits(const char *name, struct drv_bits b)
{
	if (b.mask)
		printf(" %s=%u:%#x", name, b.at, b.mask);
}

static void print(const char *driver, const struct drv_ioctl *i)
{
	const struct drv_list *l = &i->list;

	printf("%s %s %u %#010x %s %u %u %u %u%s", driver, i->name, _IOC_SIZE(i->request),
	       i->request & ~(uint32_t)IOCSIZE_MASK, roles[i->role], i->handle, i->value, i->start,
	       i->length, i->proof ? " proof" : "");
	if (i->when.mask)
		printf(" when=%u:%#x:%u", i->when.at, i->when.mask, i->is);
	bits("reads", i->reads);
	bits("writes", i->writes);
	bits("nowait", i->nowait);
	bits("busy", i->busy);
	bits("done", i->done);
	if (i->timeout)
		printf(" timeout=%u", i->timeout);
	if (i->asks)
		printf(" asks");
	if (i->at_once)
		printf(" at-once");
	if (l->stride)
		printf(" list=%u,%u,%u,%u,%u,%u", l->at, l->count, l->fixed, l->stride, l->handle,
		       l->chunk);
	bits("list-writes", l->writes);
	bits("list-or-writes", l->or_writes);
	if (l->partial)
		printf(" partial");
	if (l->boxed)
		printf(" boxed");
	putchar('\n');
}

int main(void)
{
	for (unsigned int i = 0; i < generic_driver.n; i++)
		print("any", &generic_driver.ioctls[i]);
	for (unsigned int d = 0; d < drivers_count; d++)
		for (unsigned int i = 0; i < drivers[d]->n; i++)
			print(drivers[d]->name, &drivers[d]->ioctls[i]);
	return 0;
}
