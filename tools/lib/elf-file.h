/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of itself, read by libelf and never run. A file that is cut short or lies
 * has no symbols, or is none; nothing worse comes of it.
 */
#ifndef PRIMESHIM_TOOLS_ELF_FILE_H
#define PRIMESHIM_TOOLS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <gelf.h>

struct elf_file {
	int fd;
	Elf *elf;
	int bits, order, machine;	/* EI_CLASS, EI_DATA, e_machine */
	char loader[256];		/* PT_INTERP, "": there is none */
	bool go;			/* has Go's build id */
};

/* 0, or -1: it cannot be read, or is no program or shared object. */
int elf_file_open(const char *path, struct elf_file *f);
void elf_file_close(struct elf_file *f);

bool elf_same_machine(const struct elf_file *a, const struct elf_file *b);

/* "x86-64", "i386", "big-endian machine 21 64-bit", in @text. */
const char *elf_machine_name(const struct elf_file *f, char *text, size_t len);

typedef void elf_name(const char *name, void *arg);

/* Each function of the dynamic symbols that it defines, or that it uses of others. */
void elf_defined(const struct elf_file *f, elf_name *each, void *arg);
void elf_used(const struct elf_file *f, elf_name *each, void *arg);

/* Each library that it says it needs (DT_NEEDED). */
void elf_needed(const struct elf_file *f, elf_name *each, void *arg);

#endif
