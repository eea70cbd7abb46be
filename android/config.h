/* SPDX-License-Identifier: MIT */
/* For Android.bp, which has no configure. */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64
#define PACKAGE_VERSION "0.2.0"
