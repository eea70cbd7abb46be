/* SPDX-License-Identifier: MIT */
/* PRIMESHIM_DRIVERS: the importers for which the user wants the shim to act. */
#ifndef PRIMESHIM_WANTED_H
#define PRIMESHIM_WANTED_H

#include <stdbool.h>

#include "drivers/drivers.h"

/*
 * Stores the value @list; NULL: all drivers. Called once. @from: the name of the setting, for a
 * line about each unknown name. (An unknown name may be a driver that the shim has no table of, and
 * counts.)
 */
void drivers_wanted_init(const char *list, const char *from);
bool driver_wanted(const char *name, const struct driver *d);

#endif
