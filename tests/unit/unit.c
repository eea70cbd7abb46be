// SPDX-License-Identifier: MIT
/* Runs the unit tests. */
#include "config.h"

#include <stdlib.h>

#include "unit.h"

int main(void)
{
	Suite *s = suite_create("primeshim");
	SRunner *r = srunner_create(s);
	int failed;

	/* Seconds, for a test that hangs. Check's own 4 are too few for a busy machine. */
	setenv("CK_DEFAULT_TIMEOUT", "120", 0);
	suite_add_tcase(s, config_tests());
	suite_add_tcase(s, hash_tests());
	suite_add_tcase(s, pages_tests());
	suite_add_tcase(s, range_tests());
	suite_add_tcase(s, state_tests());
	suite_add_tcase(s, mapping_tests());
	suite_add_tcase(s, kept_tests());
	suite_add_tcase(s, mapped_tests());
	suite_add_tcase(s, turn_tests());
	suite_add_tcase(s, own_tests());
	suite_add_tcase(s, driver_tests());
	suite_add_tcase(s, dmabuf_tests());
	suite_add_tcase(s, readable_tests());
	suite_add_tcase(s, unreadable_tests());
	suite_add_tcase(s, hook_tests());
	suite_add_tcase(s, sandbox_tests());
	suite_add_tcase(s, unreadable_hook_tests());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
