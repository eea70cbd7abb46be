/* SPDX-License-Identifier: MIT */
/*
 * Reads ELF files by libelf, and never runs them. A damaged file has no symbols, or cannot be
 * opened; nothing worse comes of it.
 */
#ifndef PRIMESHIM_TOOLS_ELF_FILE_H
#define PRIMESHIM_TOOLS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gelf.h>

struct elf_file {
	int fd;
	Elf *elf;
	int bits, order, machine;	/* EI_CLASS, EI_DATA, e_machine */
	char loader[256];		/* PT_INTERP; "" without one */
	bool go;			/* it has Go's build id */
};

/*
 * Returns 0, or -1: the file cannot be read, or is no program or shared object. The function does
 * not even open a device, since open() may have effects there.
 */
int elf_file_open(const char *path, struct elf_file *f);
void elf_file_close(struct elf_file *f);

bool elf_same_machine(const struct elf_file *a, const struct elf_file *b);

/* Writes "x86-64", "i386" or "big-endian machine 21 64-bit" to @text, and returns it. */
const char *elf_machine_name(const struct elf_file *f, char *text, size_t len);

typedef void elf_name(const char *name, void *arg);

/* Call @each for every function that the file defines, or that it uses of other objects. */
void elf_defined(const struct elf_file *f, elf_name *each, void *arg);
void elf_used(const struct elf_file *f, elf_name *each, void *arg);

/* Calls @each for every library that the file needs (DT_NEEDED). */
void elf_needed(const struct elf_file *f, elf_name *each, void *arg);

/*
 * Calls @each for every word where ld.so stores the address of another object's function: the
 * function's name, and where the word is, from where the object is mapped.
 */
typedef void elf_slot(const char *name, uint64_t at, void *arg);
void elf_slots(const struct elf_file *f, elf_slot *each, void *arg);

/*
 * Has the file's own code instructions that make system calls? They go past libc, and so past the
 * shim. False on machines whose instructions are not known here.
 */
bool elf_calls_kernel(const struct elf_file *f);

#endif
