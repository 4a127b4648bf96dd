/* SPDX-License-Identifier: Apache-2.0 */
/* machine_test.c - memory limits of made-up control groups; free disk of real folders. */
#include "os/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "os/file.h"

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int setup(void **state)
{
    char folder[] = "/tmp/myelin-machine-XXXXXX";

    if (mkdtemp(folder) == NULL || chdir(folder) != 0) return -1;
    *state = mem_dup(folder);
    return 0;
}

static int teardown(void **state)
{
    char *command = mem_printf("rm -r '%s'", (char *)*state);
    int failed = chdir("/") != 0 || system(command) != 0;

    mem_free(command);
    mem_free(*state);
    return failed ? -1 : 0;
}

static void cgroup_limits(void **state)
{
    static const struct { const char *membership; int64_t want; } rows[] = {
        { "0::/\n", 0 }, { "0::/a\n", 1000 }, { "0::/a/b\n", 1000 }, { "0::/a/c\n", 500 },
        { "0::/a/none/deep\n", 1000 }, { "0::/max\n", 0 }, { "0::/bad\n", 0 },
        { "5:memory:/v1\n", 700 }, { "5:cpu,memory:/v1/x\n", 700 }, { "5:cpu:/v1\n", 0 },
        { "5:memoryx:/v1\n", 0 }, { "5:memory:/\n", INT64_C(9223372036854771712) },
        { "4:cpu:/\n5:memory:/v1\n0::/a/c\n", 500 }, { "", 0 }, { "x", 0 }, { "0::", 0 },
        { "0::a\n", 0 }, { "\n::\n", 0 }, { "0::/a/..\n", 1000 },
    };
    static const char make[] =
        "mkdir -p g/a/b g/a/c g/max g/bad g/memory/v1/x && echo 1000 > g/a/memory.max && "
        "echo 2000 > g/a/b/memory.max && echo 500 > g/a/c/memory.max && "
        "echo max > g/max/memory.max && echo -5 > g/bad/memory.max && "
        "echo 700 > g/memory/v1/memory.limit_in_bytes && "
        "echo 9223372036854771712 > g/memory/memory.limit_in_bytes";

    (void)state;
    assert_int_equal(system(make), 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t got;
        write_file("membership", rows[i].membership);
        got = machine_cgroup_memory_bytes("membership", "g");
        if (got != rows[i].want) fail_msg("row %zu: %" PRId64, i, got);
    }
    assert_int_equal(machine_cgroup_memory_bytes("nofile", "g"), 0);
}

static void memory_is_at_most_the_machines(void **state)
{
    struct sysinfo info;
    int64_t got = machine_memory_bytes();

    (void)state;
    assert_int_equal(sysinfo(&info), 0);
    assert_true(got > 0);
    assert_true((uint64_t)got <= (uint64_t)info.totalram * info.mem_unit);
}

/* Others write to the disk meanwhile: a folder that does not exist counts like its parent. */
static void free_disk(void **state)
{
    static const char *const paths[] = { "", ".", "a", "a/b/c", "./x", "/tmp", "/tmp/none/x" };
    struct statvfs fs;

    (void)state;
    assert_int_equal(statvfs("/tmp", &fs), 0);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        int64_t got = machine_disk_bytes(paths[i]);
        if (got <= 0 || (uint64_t)got > fs.f_blocks * fs.f_frsize)
            fail_msg("'%s': %" PRId64, paths[i], got);
    }
    assert_true(machine_disk_bytes("/") >= 0);
    assert_true(machine_disk_bytes("/nothing-here-at-all") >= 0);
    write_file("file", "");
    assert_int_equal(machine_disk_bytes("file/below"), -1);
}

static void temporary_folder(void **state)
{
    (void)state;
    assert_int_equal(setenv("TMPDIR", "/x", 1), 0);
    assert_string_equal(machine_temporary_folder(), "/x");
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_string_equal(machine_temporary_folder(), "/tmp");
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_string_equal(machine_temporary_folder(), "/tmp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cgroup_limits), cmocka_unit_test(memory_is_at_most_the_machines),
        cmocka_unit_test(free_disk), cmocka_unit_test(temporary_folder),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
