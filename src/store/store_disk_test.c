/* SPDX-License-Identifier: Apache-2.0 */
/* store_disk_test.c - what stands in the files: encryption, erasure, damage found in the
 * background, the space that is left. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store_test_owner.h"

/* Call each for the bytes of every file of dir. */
typedef void file_f(void *arg, const char *path, struct span bytes);

static void for_files(const char *dir, file_f *each, void *arg)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    assert_non_null(d);
    while ((entry = readdir(d)) != NULL) {
        char path[512];
        struct buf b = { 0 };
        ssize_t got;
        int fd;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        do {
            buf_reserve(&b, 1 << 20);
            got = read(fd, b.p + b.len, 1 << 20);
            assert_true(got >= 0);
            b.len += (size_t)got;
        } while (got > 0);
        close(fd);
        each(arg, path, buf_span(&b));
        buf_free(&b);
    }
    closedir(d);
}

struct count {
    struct span what;
    unsigned found;
    char path[512];                     /* where last */
    size_t at;
};

static void count_in(void *arg, const char *path, struct span bytes)
{
    struct count *c = arg;
    const char *p = bytes.p, *end = bytes.p + bytes.len;

    while (p && (p = memmem(p, (size_t)(end - p), c->what.p, c->what.len)) != NULL) {
        c->found++;
        c->at = (size_t)(p - bytes.p);
        snprintf(c->path, sizeof c->path, "%s", path);
        p++;
    }
}

/* How often what stands in the files. */
static struct count find(const char *dir, struct span what)
{
    struct count c = { .what = what };

    for_files(dir, count_in, &c);
    return c;
}

static struct span body_of(const struct owner_group *og, uint64_t seq, char *body)
{
    char subject[64];
    size_t len = owner_fill(og, seq, subject, body);

    return span_make(body + len / 4, len - len / 4);
}

static uint64_t append_one(struct owner *o, uint64_t least)
{
    struct owner_group *og = o->groups[0];
    char body[1024];

    do
        assert_int_equal(owner_append(og, NULL), ST_OK);
    while (body_of(og, og->last, body).len < least);
    owner_settle(o);
    return og->last;
}

static void encrypted_files_tell_nothing(void **state)
{
    char *dir = owner_make_dir(), body[1024];
    static struct owner o;
    struct error why;
    uint64_t seq;

    (void)state;
    owner_start(&o, dir, false);
    owner_new_group(&o, 900, false);
    seq = append_one(&o, 100);          /* not encrypted yet: it is seen */
    assert_int_equal(find(dir, body_of(o.groups[0], seq, body)).found, 1);
    o.options.key = SPAN_LIT("first key");
    owner_reopen(&o);
    seq = append_one(&o, 100);
    assert_int_equal(find(dir, body_of(o.groups[0], seq, body)).found, 0);
    owner_reopen(&o);                   /* the footers as well */
    seq = append_one(&o, 100);
    owner_close(&o);
    assert_int_equal(find(dir, body_of(o.groups[0], seq, body)).found, 0);
    owner_forget(&o);

    o.options.key = SPAN_LIT("second key");
    assert_int_equal(owner_open(&o, &why), ST_BAD_INPUT);
    assert_non_null(strstr(why.text, "another key"));
    o.options.key = SPAN_NONE;
    assert_int_equal(owner_open(&o, &why), ST_BAD_INPUT);
    o.options.key = SPAN_LIT("second key");
    o.options.previous_key = SPAN_LIT("first key");
    assert_int_equal(owner_open(&o, &why), ST_OK);
    owner_check_all(&o);
    o.options.previous_key = SPAN_NONE; /* rotated: the new one is enough, the old one is not */
    owner_reopen(&o);
    owner_close(&o);
    owner_forget(&o);
    o.options.key = SPAN_LIT("first key");
    assert_int_equal(owner_open(&o, &why), ST_BAD_INPUT);
    o.options.key = SPAN_LIT("second key");
    assert_int_equal(owner_open(&o, &why), ST_OK);
    owner_stop(&o, dir);
}

static void on_erased(struct store_wait *w)
{
    CONTAINER_OF(w, struct owner_reader, wait)->calls++;
}

static void erase(struct owner *o, uint64_t seq)
{
    struct owner_group *og = o->groups[0];
    struct owner_reader r = { .wait.done = on_erased };
    struct store_loc loc = og->locs[seq];

    owner_release(og, seq);
    assert_int_equal(owner_delta(og, seq, NULL), ST_OK);
    owner_settle(o);
    store_erase(og->g, loc, &r.wait);
    for (int i = 0; i < 10000 && r.calls == 0; i++) owner_turn(o);
    assert_true(r.calls == 1 && !r.wait.queued);
}

/* Plain and encrypted; in the active segment, in a sealed one; its neighbours stay. */
static void erased_bytes_are_gone(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        char *dir = owner_make_dir(), body[1024];
        static struct owner o;
        struct span what;
        uint64_t first;
        owner_start(&o, dir, false);
        if (sealed) {
            o.options.key = SPAN_LIT("k");
            owner_reopen(&o);
        }
        owner_new_group(&o, 900, false);
        first = append_one(&o, 64);
        append_one(&o, 64);
        what = body_of(o.groups[0], first, body);
        assert_int_equal(find(dir, what).found, !sealed);
        erase(&o, first);
        assert_int_equal(find(dir, what).found, 0);
        owner_check_all(&o);
        first = append_one(&o, 64);
        owner_reopen(&o);
        what = body_of(o.groups[0], first, body);
        assert_int_equal(find(dir, what).found, !sealed);
        erase(&o, first);
        assert_int_equal(find(dir, what).found, 0);
        owner_reopen(&o);
        owner_stop(&o, dir);
    }
}

/* A moved message is gone only when the segment it was copied from is. */
static void erased_bytes_are_gone_from_earlier_copies(void **state)
{
    char *dir = owner_make_dir(), body[1024];
    static struct owner o;
    struct owner_group *og;
    struct store_loc before;
    uint64_t seq;

    (void)state;
    owner_start(&o, dir, false);
    og = owner_new_group(&o, 900, false);
    seq = append_one(&o, 64);
    before = og->locs[seq];
    o.without_checkpoint = true;        /* the origin has to wait */
    for (uint32_t last = before.segment; last == before.segment;) {
        assert_int_equal(owner_append(og, NULL), ST_OK);
        last = og->locs[og->last].segment;
        owner_release(og, og->last);
        assert_int_equal(owner_delta(og, og->last, NULL), ST_OK);
        owner_turn(&o);
    }
    owner_settle(&o);
    assert_true(og->locs[seq].segment != before.segment);
    assert_int_equal(find(dir, body_of(og, seq, body)).found, 2);
    o.without_checkpoint = false;
    erase(&o, seq);
    assert_int_equal(find(dir, body_of(og, seq, body)).found, 0);
    owner_reopen(&o);
    owner_stop(&o, dir);
}

/* A flipped bit in a live message of a sealed segment is reported without anybody reading it. */
static void the_scrub_finds_damage(void **state)
{
    char *dir = owner_make_dir(), body[1024];
    static struct owner o;
    struct store_stats stats;
    struct count c;
    uint64_t bad;
    int fd;

    (void)state;
    owner_start(&o, dir, false);
    owner_new_group(&o, 900, false);
    for (int i = 0; i < 100; i++) assert_int_equal(owner_append(o.groups[0], NULL), ST_OK);
    bad = append_one(&o, 64);
    owner_reopen(&o);
    c = find(dir, body_of(o.groups[0], bad, body));
    assert_int_equal(c.found, 1);
    fd = open(c.path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)c.at + 5), 1);
    close(fd);
    for (int i = 0; i < 100 && o.damages == 0; i++) {
        o.now += INT64_C(2000000000);
        owner_settle(&o);
    }
    store_stats(o.s, &stats);
    assert_int_equal(o.damages, 1);
    assert_non_null(strstr(o.damage_text, "the body of a message is damaged"));
    assert_true(stats.scrubbed_bytes > 0 && stats.damaged_records == 1);
    owner_close(&o);                    /* which forgets what was in memory before */
    owner_forget(&o);
    assert_int_equal(owner_open(&o, NULL), ST_OK);
    for (uint64_t seq = 1; seq <= o.groups[0]->last; seq++)
        assert_int_equal(owner_check(o.groups[0], seq), seq == bad ? ST_DAMAGED : ST_OK);
    owner_stop(&o, dir);
}

/* With less space than the headroom, messages are refused before the segment is full, and what
 * frees space is not. */
static void a_full_disk_refuses_messages_only(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;
    struct store_stats stats;
    uint64_t n = 0;
    enum status st;

    (void)state;
    owner_start(&o, dir, false);
    owner_new_group(&o, 900, false);
    owner_close(&o);
    owner_forget(&o);
    o.options.headroom_bytes = UINT64_C(1) << 60;
    assert_int_equal(owner_open(&o, NULL), ST_OK);
    while ((st = owner_append(o.groups[0], NULL)) == ST_OK && n++ < 10000) owner_turn(&o);
    assert_int_equal(st, ST_LIMIT);
    assert_true(n > 50);
    store_stats(o.s, &stats);
    assert_true(stats.full);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(owner_delta(o.groups[0], 0, NULL), ST_OK);
        if (i % 10 == 0) owner_turn(&o);
    }
    owner_checkpoint(o.groups[0]);
    owner_settle(&o);
    assert_true(store_durable(o.s) >= store_appended(o.s));
    assert_int_equal(owner_append(o.groups[0], NULL), ST_LIMIT);
    o.options.headroom_bytes = 0;
    owner_reopen(&o);
    assert_int_equal(owner_append(o.groups[0], NULL), ST_OK);
    owner_stop(&o, dir);
}

/* Nothing is durable by time alone in ALWAYS; LAZY writes at once and syncs when it is due. */
static void a_lazy_store_syncs_when_due(void **state)
{
    char *dir = owner_make_dir();
    static struct owner o;
    struct store_stats stats;
    uint64_t position, syncs;

    (void)state;
    o = (struct owner){ .disk = disk_real_new(),
                        .options = { .dir = dir, .sync = STORE_SYNC_LAZY,
                                     .sync_interval_ns = INT64_C(1000000000000) } };
    assert_int_equal(owner_open(&o, NULL), ST_OK);
    owner_new_group(&o, 100, false);
    assert_int_equal(owner_append(o.groups[0], &position), ST_OK);
    owner_settle(&o);
    assert_true(o.durable >= position);
    store_stats(o.s, &stats);
    syncs = stats.syncs;
    o.now += INT64_C(2000000000000);
    assert_true(store_next_flush_ns(o.s) <= owner_now(&o));
    owner_settle(&o);
    store_stats(o.s, &stats);
    assert_int_equal(stats.syncs, syncs + 1);
    owner_stop(&o, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encrypted_files_tell_nothing),
        cmocka_unit_test(erased_bytes_are_gone),
        cmocka_unit_test(erased_bytes_are_gone_from_earlier_copies),
        cmocka_unit_test(the_scrub_finds_damage),
        cmocka_unit_test(a_full_disk_refuses_messages_only),
        cmocka_unit_test(a_lazy_store_syncs_when_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
