/* SPDX-License-Identifier: Apache-2.0 */
/* path_test.c - whole files, limits at the limit, failures that leave the old file. */
#include "os/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/file.h"

static void test_write_read_remove(void **state)
{
    char dir[] = "/tmp/path_test.XXXXXX", path[64];
    struct buf out = { 0 };
    struct error why;
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/f", dir);
    umask(0);
    assert_int_equal(path_write(path, SPAN_LIT("first"), 0640, &why), ST_OK);
    assert_int_equal(path_write(path, SPAN_LIT("second one"), 0640, &why), ST_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);

    buf_append_text(&out, "kept ");
    assert_int_equal(file_read(path, 10, &out, &why), ST_OK);
    assert_true(span_is(buf_span(&out), "kept second one"));
    assert_int_equal(file_read(path, 9, &out, &why), ST_LIMIT);
    assert_non_null(strstr(why.text, "larger than 9 bytes"));

    assert_int_equal(path_remove(path, &why), ST_OK);
    assert_int_equal(path_remove(path, &why), ST_NOT_FOUND);
    assert_int_equal(file_read(path, 9, &out, &why), ST_NOT_FOUND);
    assert_int_equal(file_read(dir, 9, &out, &why), ST_IO);
    assert_int_equal(rmdir(dir), 0);    /* no temporary file is left */
    buf_free(&out);
}

static void test_failures(void **state)
{
    struct error why;

    (void)state;
    assert_int_equal(path_write("/nonexistent/f", SPAN_LIT("x"), 0640, &why), ST_IO);
    assert_non_null(strstr(why.text, "open /nonexistent/f: "));
    assert_int_equal(path_write("/dev/full", SPAN_LIT("x"), 0640, &why), ST_IO);
    assert_non_null(strstr(why.text, "write /dev/full: "));
    assert_int_equal(path_write("/dev/null", SPAN_LIT("x"), 0640, &why), ST_OK);
    assert_int_equal(access("/dev/null", W_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_read_remove),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
