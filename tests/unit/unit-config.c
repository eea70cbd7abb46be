// SPDX-License-Identifier: MIT
/* The text of primeshim.conf: which settings the shim takes; and that no text breaks the reader. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "settings/config_file.h"
#include "settings/log.h"
#include "unit.h"

static char said[512];

static bool note(int rank, const char *key, const char *value, char *why)
{
	size_t n = strlen(said);

	if (!strcmp(key, "bad")) {
		snprintf(why, CONFIG_WHY_LEN, "bad");
		return false;
	}
	/* Both are ours to print. */
	for (const char *s = key; *s; s++)
		ck_assert((unsigned char)*s >= ' ' || *s == '\t');
	for (const char *s = value; *s; s++)
		ck_assert((unsigned char)*s >= ' ' || *s == '\t');
	snprintf(said + n, sizeof(said) - n, "%d:%s=%s;", rank, key, value);
	return true;
}

/* With no more than one byte behind the text that may be touched. */
static const char *read_text(const char *text, size_t len)
{
	size_t page = 4096, room = (len + 1 + page - 1) / page * page;
	char *p =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = p + room - len - 1;

	ck_assert(p != MAP_FAILED);
	ck_assert(!mprotect(p + room, page, PROT_NONE));
	memcpy(at, text, len);
	said[0] = '\0';
	config_text_read("/test", at, len, "weston", 1, note);
	munmap(p, room + page);
	return said;
}

#define takes(text, want)	ck_assert_str_eq(read_text(text, sizeof(text) - 1), want)

START_TEST(sections_are_told_apart)
{
	takes("", "");
	takes("a=1\n", "1:a=1;");
	takes("a=1", "1:a=1;");
	takes("a=1\n[*]\nb=2\n[weston]\nc=3\n[sway]\nd=4\n[weston]\ne=5\n[*]\nf=6",
	      "1:a=1;1:b=2;2:c=3;2:e=5;1:f=6;");
	takes("[west]\na=1\n[westons]\nb=1\n[Weston]\nc=1\n", "");
	takes(" \t[ weston ]\t\na=1\n", "2:a=1;");
}
END_TEST

START_TEST(blanks_comments_and_line_ends_are_none_of_a_value)
{
	takes("# a=1\n  #b=2\n\n \t\n  c\t =  d e \t\n", "1:c=d e;");
	takes("a=1\r\n[weston]\r\nb=2\r\n", "1:a=1;2:b=2;");
	takes("\357\273\277a=1\n", "1:a=1;");
	takes("a=\nb==1\nc=#2\n", "1:a=;1:b==1;1:c=#2;");
}
END_TEST

START_TEST(wrong_lines_count_for_nothing)
{
	log_quiet();
	takes("nothing\nbad=1\na=1\n", "1:a=1;");
	/* Another program's are not looked at, nor what follows a section that is none. */
	takes("[sway]\nbad\na=1\n[weston\nb=1\n[]\nc=1\n[ ]\nd=1\n[\ne=1\n[*]\nf=1", "1:f=1;");
	takes("a\0=1\nb=1\0\n\0\nc=\0331\nd=1\n", "1:d=1;");
	takes("a=1\rb=2\n\r\nc=1\177\n", "");
	takes("=1\n=\n", "1:=1;1:=;");
}
END_TEST

START_TEST(no_text_breaks_it)
{
	static const char bits[] = "[]*#= \t\r\n\0ab\357\273\277weston";
	char text[200];

	log_quiet();
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		size_t len = random() % sizeof(text);

		for (size_t k = 0; k < len; k++)
			text[k] = i & 1 ? random() : bits[random() % sizeof(bits)];
		read_text(text, len);
	}
}
END_TEST

TCase *config_tests(void)
{
	TCase *t = tcase_create("primeshim.conf");

	tcase_add_test(t, sections_are_told_apart);
	tcase_add_test(t, blanks_comments_and_line_ends_are_none_of_a_value);
	tcase_add_test(t, wrong_lines_count_for_nothing);
	tcase_add_test(t, no_text_breaks_it);
	return t;
}
