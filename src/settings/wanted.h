/* SPDX-License-Identifier: MIT */
/* PRIMESHIM_DRIVERS: the drivers that the user wants to be wrapped. */
#ifndef PRIMESHIM_WANTED_H
#define PRIMESHIM_WANTED_H

#include <stdbool.h>

#include "drivers/drivers.h"

/*
 * drivers_wanted_init() takes the value, or NULL, once, and tells of
 * names that are not known (they may be drivers that we have not heard of, and count). @from: what
 * said so.
 */
void drivers_wanted_init(const char *list, const char *from);
bool driver_wanted(const char *name, const struct driver *d);

#endif
