// SPDX-License-Identifier: MIT
/* What an ELF file says of itself; see elf-file.h. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf-file.h"

static const struct {
	int machine, bits;
	const char *name;
} machines[] = {
	{ EM_386, ELFCLASS32, "i386" },
	{ EM_X86_64, ELFCLASS32, "x32" },
	{ EM_X86_64, ELFCLASS64, "x86-64" },
	{ EM_ARM, ELFCLASS32, "ARM" },
	{ EM_AARCH64, ELFCLASS64, "AArch64" },
	{ EM_RISCV, ELFCLASS32, "RISC-V 32-bit" },
	{ EM_RISCV, ELFCLASS64, "RISC-V 64-bit" },
};

static void read_loader(struct elf_file *f, const GElf_Phdr *p)
{
	size_t n = p->p_filesz < sizeof(f->loader) ? p->p_filesz : sizeof(f->loader) - 1;
	ssize_t got = pread(f->fd, f->loader, n, p->p_offset);

	f->loader[got < 0 ? 0 : got] = '\0';
	/* A PT_INTERP without a name is an interpreter, too. */
	if (!f->loader[0])
		strcpy(f->loader, "?");
}

/* The first section of that type, or NULL. */
static Elf_Scn *section_of(const struct elf_file *f, GElf_Word type, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(f->elf, scn)))
		if (gelf_getshdr(scn, shdr) && shdr->sh_type == type)
			return scn;
	return NULL;
}

static bool has_section(const struct elf_file *f, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t strings;
	GElf_Shdr shdr;

	if (elf_getshdrstrndx(f->elf, &strings) < 0)
		return false;
	while ((scn = elf_nextscn(f->elf, scn))) {
		const char *is = gelf_getshdr(scn, &shdr) ?
				 elf_strptr(f->elf, strings, shdr.sh_name) : NULL;

		if (is && !strcmp(is, name))
			return true;
	}
	return false;
}

int elf_file_open(const char *path, struct elf_file *f)
{
	size_t nphdrs = 0;
	struct stat st;
	GElf_Ehdr head;
	GElf_Phdr p;

	*f = (struct elf_file){ .fd = -1 };
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0)
		return -1;
	elf_version(EV_CURRENT);
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    !(f->elf = elf_begin(f->fd, ELF_C_READ, NULL)) || elf_kind(f->elf) != ELF_K_ELF ||
	    !gelf_getehdr(f->elf, &head) || (head.e_type != ET_EXEC && head.e_type != ET_DYN)) {
		elf_file_close(f);
		return -1;
	}
	f->bits = head.e_ident[EI_CLASS];
	f->order = head.e_ident[EI_DATA];
	f->machine = head.e_machine;
	/* The kernel runs no file whose table of segments is missing or cut short. */
	if (elf_getphdrnum(f->elf, &nphdrs) < 0 || !nphdrs ||
	    !gelf_getphdr(f->elf, nphdrs - 1, &p)) {
		elf_file_close(f);
		return -1;
	}
	for (size_t i = 0; i < nphdrs; i++)
		if (gelf_getphdr(f->elf, i, &p) && p.p_type == PT_INTERP)
			read_loader(f, &p);
	f->go = has_section(f, ".note.go.buildid") || has_section(f, ".go.buildinfo");
	return 0;
}

void elf_file_close(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
	f->elf = NULL;
	f->fd = -1;
}

bool elf_same_machine(const struct elf_file *a, const struct elf_file *b)
{
	return a->bits == b->bits && a->order == b->order && a->machine == b->machine;
}

const char *elf_machine_name(const struct elf_file *f, char *text, size_t len)
{
	const char *big = f->order == ELFDATA2MSB ? "big-endian " : "";

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == f->machine && machines[i].bits == f->bits) {
			snprintf(text, len, "%s%s", big, machines[i].name);
			return text;
		}
	}
	snprintf(text, len, "%smachine %d %d-bit", big, f->machine,
		 f->bits == ELFCLASS32 ? 32 : 64);
	return text;
}

static void each_symbol(const struct elf_file *f, bool defined, elf_name *each, void *arg)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = section_of(f, SHT_DYNSYM, &shdr);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Sym sym;

	if (!data)
		return;
	for (int i = 0; gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(f->elf, shdr.sh_link, sym.st_name);
		int type = GELF_ST_TYPE(sym.st_info), bind = GELF_ST_BIND(sym.st_info);

		if (name && *name && defined == (sym.st_shndx != SHN_UNDEF) && bind != STB_LOCAL &&
		    (type == STT_FUNC || type == STT_NOTYPE || type == STT_GNU_IFUNC))
			each(name, arg);
	}
}

void elf_defined(const struct elf_file *f, elf_name *each, void *arg)
{
	each_symbol(f, true, each, arg);
}

void elf_used(const struct elf_file *f, elf_name *each, void *arg)
{
	each_symbol(f, false, each, arg);
}

void elf_needed(const struct elf_file *f, elf_name *each, void *arg)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = section_of(f, SHT_DYNAMIC, &shdr);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	GElf_Dyn dyn;

	if (!data)
		return;
	for (int i = 0; gelf_getdyn(data, i, &dyn) && dyn.d_tag != DT_NULL; i++) {
		const char *name = dyn.d_tag == DT_NEEDED ?
				   elf_strptr(f->elf, shdr.sh_link, dyn.d_un.d_val) : NULL;

		if (name)
			each(name, arg);
	}
}

/* The relocation @i of a section, with or without an addend; false behind the last. */
static bool get_slot(Elf_Data *data, GElf_Word type, int i, GElf_Rela *r)
{
	GElf_Rel rel;

	if (type == SHT_RELA)
		return gelf_getrela(data, i, r);
	if (!gelf_getrel(data, i, &rel))
		return false;
	*r = (GElf_Rela){ .r_offset = rel.r_offset, .r_info = rel.r_info };
	return true;
}

void elf_slots(const struct elf_file *f, elf_slot *each, void *arg)
{
	GElf_Shdr dynsym, shdr;
	Elf_Scn *symbols = section_of(f, SHT_DYNSYM, &dynsym), *scn = NULL;
	Elf_Data *names = symbols ? elf_getdata(symbols, NULL) : NULL, *data;
	GElf_Rela r;
	GElf_Sym sym;

	while (names && (scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) ||
		    (shdr.sh_type != SHT_RELA && shdr.sh_type != SHT_REL))
			continue;
		data = elf_getdata(scn, NULL);
		for (int i = 0; data && get_slot(data, shdr.sh_type, i, &r); i++) {
			const char *name = GELF_R_SYM(r.r_info) &&
					   gelf_getsym(names, GELF_R_SYM(r.r_info), &sym) ?
					   elf_strptr(f->elf, dynsym.sh_link, sym.st_name) : NULL;

			if (name && *name && sym.st_shndx == SHN_UNDEF)
				each(name, r.r_offset, arg);
		}
	}
}
