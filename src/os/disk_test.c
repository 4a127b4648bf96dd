/* SPDX-License-Identifier: Apache-2.0 */
/* disk_test.c - the real file system behind disk.h: content, names, links, modes, locks, limits. */
#include "os/disk.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PARTS 200               /* more than one pwritev takes */

struct fixture {
    char path[64];
    struct disk *disk;
    struct disk_dir *dir;
    struct error why;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->path, sizeof(f->path), "/tmp/disk_test.XXXXXX");
    if (!mkdtemp(f->path)) return -1;
    f->disk = disk_real_new();
    *state = f;
    return disk_dir_open(f->disk, f->path, false, &f->dir, &f->why) == ST_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];

    disk_dir_close(&f->dir);
    disk_free(&f->disk);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    if (system(command) != 0) return -1;
    free(f);
    return 0;
}

static void expect_content(struct fixture *f, const char *name, struct span wanted)
{
    struct disk_file *file;
    char *got = malloc(wanted.len + 1);
    size_t n;
    uint64_t size;

    assert_int_equal(disk_open(f->dir, name, DISK_READ, &file, &f->why), ST_OK);
    assert_int_equal(disk_size(file, &size, &f->why), ST_OK);
    assert_int_equal(size, wanted.len);
    assert_int_equal(disk_read(file, 0, got, wanted.len + 1, &n, &f->why), ST_OK);
    assert_int_equal(n, wanted.len);
    assert_memory_equal(got, wanted.p, n);
    disk_close(&file);
    assert_null(file);
    free(got);
}

static void make_file(struct fixture *f, const char *name, struct span content)
{
    struct disk_file *file;

    assert_int_equal(disk_open(f->dir, name, DISK_CREATE, &file, &f->why), ST_OK);
    assert_int_equal(disk_write(file, 0, &content, 1, &f->why), ST_OK);
    assert_int_equal(disk_sync(file, &f->why), ST_OK);
    disk_close(&file);
}

static void test_content(void **state)
{
    struct fixture *f = *state;
    struct disk_file *file;
    struct span parts[PARTS], none = SPAN_NONE;
    char wanted[1024] = { 0 }, got[64];
    size_t len = 3, n;
    uint64_t size;

    for (size_t i = 0; i < PARTS; i++) {
        parts[i] = span_make("0123456789" + i % 7, i % 4);      /* empty ones as well */
        memcpy(wanted + len, parts[i].p, parts[i].len);
        len += parts[i].len;
    }
    assert_int_equal(disk_open(f->dir, "a", DISK_CREATE, &file, &f->why), ST_OK);
    assert_int_equal(disk_write(file, 3, parts, PARTS, &f->why), ST_OK);
    assert_int_equal(disk_write(file, 5000, &none, 1, &f->why), ST_OK);     /* nothing grows */
    assert_int_equal(disk_sync(file, &f->why), ST_OK);
    expect_content(f, "a", span_make(wanted, len));

    assert_int_equal(disk_read(file, len - 2, got, 64, &n, &f->why), ST_OK);
    assert_int_equal(n, 2);
    assert_int_equal(disk_read(file, len, got, 64, &n, &f->why), ST_OK);
    assert_int_equal(n, 0);
    assert_int_equal(disk_read(file, len + 9, got, 64, &n, &f->why), ST_OK);
    assert_int_equal(n, 0);

    assert_int_equal(disk_zero(file, 4, 2, &f->why), ST_OK);
    memset(wanted + 4, 0, 2);
    assert_int_equal(disk_zero(file, len - 1, 5, &f->why), ST_OK);      /* beyond the end */
    wanted[len - 1] = 0;
    expect_content(f, "a", span_make(wanted, len + 4));
    assert_int_equal(disk_truncate(file, 5, &f->why), ST_OK);
    expect_content(f, "a", span_make(wanted, 5));
    assert_int_equal(disk_truncate(file, 900, &f->why), ST_OK);
    memset(wanted + 5, 0, 900);
    expect_content(f, "a", span_make(wanted, 900));
    assert_int_equal(disk_size(file, &size, &f->why), ST_OK);
    assert_int_equal(size, 900);
    disk_close(&file);
    disk_close(&file);          /* NULL by now */
}

static void test_modes(void **state)
{
    struct fixture *f = *state;
    struct disk_file *file;
    struct span x = SPAN_LIT("x");
    struct stat st;
    char path[80];

    assert_int_equal(disk_open(f->dir, "m", DISK_READ, &file, &f->why), ST_NOT_FOUND);
    assert_null(file);
    assert_string_equal(f->why.text, "open m: No such file or directory");
    assert_int_equal(disk_open(f->dir, "m", DISK_WRITE, &file, NULL), ST_NOT_FOUND);
    umask(0);
    make_file(f, "m", x);
    snprintf(path, sizeof(path), "%s/m", f->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(disk_open(f->dir, "m", DISK_CREATE, &file, &f->why), ST_EXISTS);
    assert_int_equal(disk_open(f->dir, "m", DISK_READ, &file, &f->why), ST_OK);
    assert_int_equal(disk_write(file, 0, &x, 1, &f->why), ST_IO);
    assert_string_equal(f->why.text, "write m: Bad file descriptor");
    disk_close(&file);
    assert_int_equal(disk_open(f->dir, "m", DISK_WRITE, &file, &f->why), ST_OK);
    assert_int_equal(disk_write(file, 1, &x, 1, &f->why), ST_OK);
    disk_close(&file);
    expect_content(f, "m", SPAN_LIT("xx"));
}

/* What could lead outside the directory or is no plain file. */
static void test_names(void **state)
{
    static const char *const bad[] = { "", ".", "..", "a/b", "/etc/passwd", "../a", "a/", NULL };
    struct fixture *f = *state;
    struct disk_file *file;
    struct disk_dir *dir;
    char longest[DISK_NAME_MAX + 2], path[96];

    for (size_t i = 0; bad[i]; i++) {
        print_message("name \"%s\"\n", bad[i]);
        assert_int_equal(disk_open(f->dir, bad[i], DISK_CREATE, &file, &f->why), ST_BAD_INPUT);
        assert_int_equal(disk_dir_open_in(f->dir, bad[i], true, &dir, &f->why), ST_BAD_INPUT);
        assert_int_equal(disk_dir_lock(f->dir, bad[i], &file, &f->why), ST_BAD_INPUT);
        assert_int_equal(disk_remove(f->dir, bad[i], &f->why), ST_BAD_INPUT);
        assert_int_equal(disk_rename(f->dir, bad[i], "x", &f->why), ST_BAD_INPUT);
        assert_int_equal(disk_rename(f->dir, "x", bad[i], &f->why), ST_BAD_INPUT);
    }
    memset(longest, 'n', sizeof(longest));
    longest[DISK_NAME_MAX + 1] = '\0';
    assert_int_equal(disk_open(f->dir, longest, DISK_CREATE, &file, &f->why), ST_BAD_INPUT);
    longest[DISK_NAME_MAX] = '\0';
    make_file(f, longest, SPAN_LIT("x"));

    snprintf(path, sizeof(path), "%s/link", f->path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(disk_open(f->dir, "link", DISK_READ, &file, &f->why), ST_DENIED);
    assert_int_equal(disk_dir_lock(f->dir, "link", &file, &f->why), ST_DENIED);
    snprintf(path, sizeof(path), "%s/dirlink", f->path);
    assert_int_equal(symlink("/tmp", path), 0);
    assert_int_equal(disk_dir_open_in(f->dir, "dirlink", true, &dir, &f->why), ST_DENIED);
    snprintf(path, sizeof(path), "%s/pipe", f->path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(disk_open(f->dir, "pipe", DISK_READ, &file, &f->why), ST_DENIED);
    assert_string_equal(f->why.text, "open pipe: not a regular file");
    assert_int_equal(disk_dir_open_in(f->dir, "pipe", false, &dir, &f->why), ST_DENIED);
}

struct listing {
    char text[256];
    unsigned count;
};

static void list_one(void *arg, const char *name, bool is_dir)
{
    struct listing *l = arg;
    size_t len = strlen(l->text);

    snprintf(l->text + len, sizeof(l->text) - len, "%s%s ", name, is_dir ? "/" : "");
    l->count++;
}

static void test_directory(void **state)
{
    struct fixture *f = *state;
    struct disk_dir *sub, *deep;
    struct disk_file *held;
    struct listing l = { "", 0 };
    char path[128], got[8];
    size_t n;
    uint64_t space = 0;
    struct stat st;

    assert_int_equal(disk_dir_open_in(f->dir, "sub", false, &sub, &f->why), ST_NOT_FOUND);
    assert_int_equal(disk_dir_open_in(f->dir, "sub", true, &sub, &f->why), ST_OK);
    disk_dir_close(&sub);
    assert_int_equal(disk_dir_open_in(f->dir, "sub", true, &sub, &f->why), ST_OK);
    make_file(f, "one", SPAN_LIT("1"));
    make_file(f, "two", SPAN_LIT("2"));
    assert_int_equal(disk_open(f->dir, "two", DISK_READ, &held, &f->why), ST_OK);
    assert_int_equal(disk_rename(f->dir, "one", "two", &f->why), ST_OK);
    expect_content(f, "two", SPAN_LIT("1"));
    assert_int_equal(disk_read(held, 0, got, 8, &n, &f->why), ST_OK);   /* the replaced file */
    assert_int_equal(n, 1);
    assert_int_equal(got[0], '2');
    disk_close(&held);
    assert_int_equal(disk_rename(f->dir, "one", "two", &f->why), ST_NOT_FOUND);
    assert_int_equal(disk_remove(f->dir, "one", &f->why), ST_NOT_FOUND);
    assert_int_equal(disk_remove(f->dir, "sub", &f->why), ST_DENIED);
    assert_int_equal(disk_dir_sync(f->dir, &f->why), ST_OK);
    for (int i = 1; i <= 2; i++) {      /* a listing starts anew each time */
        assert_int_equal(disk_dir_list(f->dir, list_one, &l, &f->why), ST_OK);
        assert_int_equal(l.count, 2 * i);
    }
    assert_non_null(strstr(l.text, "sub/ "));
    assert_non_null(strstr(l.text, "two "));
    assert_int_equal(disk_remove(f->dir, "two", &f->why), ST_OK);
    assert_int_equal(disk_dir_space(f->dir, &space, &f->why), ST_OK);
    assert_true(space > 0);

    snprintf(path, sizeof(path), "%s/sub//x/./y/", f->path);
    assert_int_equal(disk_dir_open(f->disk, path, false, &deep, &f->why), ST_NOT_FOUND);
    assert_int_equal(disk_dir_open(f->disk, path, true, &deep, &f->why), ST_OK);
    disk_dir_close(&deep);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(disk_dir_open(f->disk, "/proc/nothing", true, &deep, &f->why), ST_NOT_FOUND);
    snprintf(path, sizeof(path), "%s/plain", f->path);
    make_file(f, "plain", SPAN_LIT("x"));
    assert_int_equal(disk_dir_open(f->disk, path, true, &deep, &f->why), ST_DENIED);
    assert_null(deep);
    disk_dir_close(&sub);
}

static void test_lock(void **state)
{
    struct fixture *f = *state;
    struct disk_file *first, *second;
    int status;
    pid_t child;

    assert_int_equal(disk_dir_lock(f->dir, "lock", &first, &f->why), ST_OK);
    assert_int_equal(disk_dir_lock(f->dir, "lock", &second, &f->why), ST_DENIED);
    assert_string_equal(f->why.text, "lock lock: in use by another process");
    assert_null(second);
    child = fork();
    if (child == 0) {
        disk_close(&first);     /* the parent's handle still holds it */
        _exit(disk_dir_lock(f->dir, "lock", &second, NULL) == ST_DENIED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    disk_close(&first);
    assert_int_equal(disk_dir_lock(f->dir, "lock", &second, &f->why), ST_OK);
    disk_close(&second);
}

/* No more room: the size limit of the process stands for it (a full device is EFBIG's sibling). */
static void test_limit(void **state)
{
    struct fixture *f = *state;
    struct rlimit was, small;
    struct disk_file *file;
    struct span part = SPAN_LIT("0123456789abcdef");
    enum status at, over, zeros;

    assert_int_equal(disk_open(f->dir, "big", DISK_CREATE, &file, &f->why), ST_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){ 4096, was.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    at = disk_write(file, 4096 - 16, &part, 1, &f->why);
    over = disk_write(file, 4096 - 15, &part, 1, &f->why);      /* 15 fit: a short write first */
    zeros = disk_zero(file, 4096, 1, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(at, ST_OK);
    assert_int_equal(over, ST_LIMIT);
    assert_int_equal(zeros, ST_LIMIT);
    assert_string_equal(f->why.text, "write big: File too large");
    disk_close(&file);
}

/* Root passes every check of permissions, so a file system that refuses stands for them: /proc. */
static void test_denied(void **state)
{
    struct fixture *f = *state;
    struct disk_dir *proc;

    assert_int_equal(disk_dir_open(f->disk, "/proc/self", false, &proc, &f->why), ST_OK);
    assert_int_equal(disk_remove(proc, "stat", &f->why), ST_DENIED);
    assert_string_equal(f->why.text, "remove stat: Operation not permitted");
    disk_dir_close(&proc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_denied, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
