// SPDX-License-Identifier: MIT
/* Looks for system calls that a file makes without libc; see elf-file.h. */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "elf-file.h"

/*
 * x86 instructions have any length, so the bytes of "syscall" also occur inside others. They count
 * only if the instruction that loads the call's number comes right before: mov $N,%eax, or
 * push $N; pop %rax.
 */
static bool x86_call(const uint8_t *s, size_t n, const uint8_t enter[2])
{
	if (n >= 7 && s[0] == 0xb8 && s[2] < 4 && !s[3] && !s[4] && !memcmp(s + 5, enter, 2))
		return true;
	return n >= 5 && s[0] == 0x6a && s[2] == 0x58 && !memcmp(s + 3, enter, 2);
}

static bool word_is(const uint8_t *s, size_t at, uint32_t word)
{
	return at % 4 == 0 && (s[0] | s[1] << 8 | s[2] << 16 | (uint32_t)s[3] << 24) == word;
}

static bool is_call(const struct elf_file *f, const uint8_t *s, size_t at, size_t n)
{
	static const uint8_t syscall_[2] = { 0x0f, 0x05 }, int80[2] = { 0xcd, 0x80 };

	switch (f->machine) {
	case EM_X86_64:
		return x86_call(s + at, n - at, syscall_);
	case EM_386:
		return x86_call(s + at, n - at, int80);
	case EM_AARCH64:
		return n - at >= 4 && word_is(s + at, at, 0xd4000001);	/* svc #0 */
	case EM_ARM:
		return n - at >= 4 && word_is(s + at, at, 0xef000000);	/* svc 0 */
	case EM_RISCV:
		return n - at >= 4 && word_is(s + at, at, 0x00000073);	/* ecall */
	default:
		return false;
	}
}

bool elf_calls_kernel(const struct elf_file *f)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	Elf_Data *d;

	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_PROGBITS ||
		    !(shdr.sh_flags & SHF_EXECINSTR))
			continue;
		d = elf_rawdata(scn, NULL);
		for (size_t i = 0; d && d->d_buf && i < d->d_size; i++)
			if (is_call(f, d->d_buf, i, d->d_size))
				return true;
	}
	return false;
}
