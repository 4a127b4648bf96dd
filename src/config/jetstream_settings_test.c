/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_settings_test.c - folders and limits, chosen and left to the server. */
#include "config/jetstream_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <inttypes.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/span.h"
#include "os/machine.h"

#define GIB (INT64_C(1) << 30)

static char text_d[] = "d", text_slash[] = "/var/lib//nats/./", text_empty[] = "";

static void settings(void **state)
{
    static const struct {
        char *store_dir;
        int64_t max_memory, max_store;      /* -1: not set */
        int64_t memory, disk;               /* of the machine */
        const char *want_dir;
        int64_t want_memory, want_store;
        bool want_temporary;
    } rows[] = {
        { text_d, 5, 6, GIB, GIB, "d/jetstream", 5, 6, false },
        { text_slash, 5, 6, GIB, GIB, "/var/lib/nats/jetstream", 5, 6, false },
        { NULL, 5, 6, GIB, GIB, "/t/jetstream", 5, 6, true },
        { text_empty, 5, 6, GIB, GIB, "/t/jetstream", 5, 6, true },
        { NULL, -1, 6, 4 * GIB, GIB, "/t/nats/jetstream", 3 * GIB, 6, true },
        { text_d, 5, -1, GIB, 4 * GIB, "d/jetstream", 5, 3 * GIB, false },
        { text_d, 0, 0, GIB, GIB, "d/jetstream", 0, 0, false },
        { text_d, -1, -1, 7, 3, "d/jetstream", 3, 0, false },
        { text_d, -1, -1, 0, -1, "d/jetstream", GIB / 4, 1024 * GIB, false },
        { text_d, -1, -1, INT64_MAX, INT64_MAX, "d/jetstream", INT64_MAX / 4 * 3,
          INT64_MAX / 4 * 3, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct options_jetstream o = { .store_dir = rows[i].store_dir,
                                       .max_memory = rows[i].max_memory,
                                       .max_store = rows[i].max_store };
        struct jetstream_machine machine = { "/t", rows[i].memory, rows[i].disk };
        struct jetstream_settings s;
        jetstream_settings_init(&s, &o, &machine);
        if (strcmp(s.store_dir, rows[i].want_dir) != 0 || s.max_memory != rows[i].want_memory ||
            s.max_store != rows[i].want_store || s.temporary != rows[i].want_temporary)
            fail_msg("row %zu: %s %" PRId64 " %" PRId64, i, s.store_dir, s.max_memory,
                     s.max_store);
        jetstream_settings_fini(&s);
        assert_null(s.store_dir);
    }
}

static void settings_of_this_machine(void **state)
{
    struct options_jetstream o = { .max_memory = -1, .max_store = -1 };
    struct jetstream_settings s;

    (void)state;
    jetstream_settings_read(&s, &o);
    assert_int_equal(s.max_memory, machine_memory_bytes() / 4 * 3);
    assert_true(s.max_store >= 0 && s.max_store < INT64_MAX / 4);
    assert_non_null(strstr(s.store_dir, "/nats/jetstream"));
    jetstream_settings_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings), cmocka_unit_test(settings_of_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
