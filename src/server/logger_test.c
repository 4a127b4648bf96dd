/* SPDX-License-Identifier: Apache-2.0 */
/* logger_test.c - line format, rotation, purge, reopen, reconfigure, system logs. */
#include "server/logger.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/log.h"

#define STAMP "[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}"

struct place {
    char dir[64], log[96];
    struct options options;
};

static struct place *place_new(void)
{
    struct place *p = calloc(1, sizeof(*p));

    snprintf(p->dir, sizeof(p->dir), "/tmp/logger_test.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->log, sizeof(p->log), "%s/server.log", p->dir);
    p->options.logtime = true;
    p->options.log_file = p->log;
    return p;
}

/* How many files of the folder have a name starting with prefix; delete removes every file. */
static int count_files(const struct place *p, const char *prefix, bool delete)
{
    DIR *dir = opendir(p->dir);
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) count++;
        if (delete) assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    }
    closedir(dir);
    return count;
}

static void place_free(struct place *p)
{
    count_files(p, "", true);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
}

static char *slurp(const char *path)
{
    struct buf out = { 0 };
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) buf_append(&out, chunk, n);
    fclose(f);
    return buf_take(&out);
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    int rc;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    rc = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    return rc == 0;
}

static void assert_matches(const char *text, const char *pattern)
{
    if (!matches(text, pattern)) fail_msg("\"%s\" does not match \"%s\"", text, pattern);
}

static struct logger *must_open(const struct options *options)
{
    struct logger *l;
    struct error why = { "" };

    if (logger_open(options, &l, &why) != ST_OK) fail_msg("%s", why.text);
    return l;
}

static void test_format(void **state)
{
    static const struct {
        bool logtime, utc;
        enum log_level level;
        const char *pattern;
    } rows[] = {
        { true, false, LOG_INFO, "^\\[[0-9]+\\] " STAMP " \\[INF\\] hello 7\n$" },
        { true, true, LOG_WARN, "^\\[[0-9]+\\] " STAMP " \\[WRN\\] hello 7\n$" },
        { true, false, LOG_ERROR, "^\\[[0-9]+\\] " STAMP " \\[ERR\\] hello 7\n$" },
        { true, false, LOG_FATAL, "^\\[[0-9]+\\] " STAMP " \\[FTL\\] hello 7\n$" },
        { true, false, LOG_DEBUG, "^\\[[0-9]+\\] " STAMP " \\[DBG\\] hello 7\n$" },
        { true, false, LOG_TRACE, "^\\[[0-9]+\\] " STAMP " \\[TRC\\] hello 7\n$" },
        { false, false, LOG_INFO, "^\\[[0-9]+\\] \\[INF\\] hello 7\n$" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct place *p = place_new();
        struct logger *l;
        char *text;

        p->options.logtime = rows[i].logtime;
        p->options.logtime_utc = rows[i].utc;
        p->options.debug = p->options.trace = true;
        l = must_open(&p->options);
        log_at(rows[i].level, "hello %d", 7);
        logger_free(&l);
        text = slurp(p->log);
        assert_matches(text, rows[i].pattern);
        free(text);
        place_free(p);
    }
}

static void test_zone(void **state)
{
    static const struct { bool utc; int hours; } rows[] = { { true, 0 }, { false, 5 } };

    (void)state;
    setenv("TZ", "XYZ-5", 1);
    tzset();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct place *p = place_new();
        struct logger *l;
        struct tm tm;
        time_t before = time(NULL) + rows[i].hours * 3600, after;
        char *text, low[32], high[32];

        p->options.logtime_utc = rows[i].utc;
        l = must_open(&p->options);
        log_info("x");
        logger_free(&l);
        after = time(NULL) + rows[i].hours * 3600;
        strftime(low, sizeof(low), "%Y/%m/%d %H:%M:%S", gmtime_r(&before, &tm));
        strftime(high, sizeof(high), "%Y/%m/%d %H:%M:%S", gmtime_r(&after, &tm));
        text = slurp(p->log);
        assert_true(strncmp(strchr(text, ' ') + 1, low, 19) >= 0);
        assert_true(strncmp(strchr(text, ' ') + 1, high, 19) <= 0);
        free(text);
        place_free(p);
    }
    unsetenv("TZ");
    tzset();
}

static void test_levels_follow_reload(void **state)
{
    struct place *p = place_new();
    struct logger *l = must_open(&p->options);
    char *text;

    (void)state;
    log_debug("one");
    log_trace("two");
    p->options.debug = true;
    assert_int_equal(logger_reconfigure(l, &p->options, NULL), ST_OK);
    log_debug("three");
    log_trace("four");
    p->options.debug = false;
    p->options.trace = true;
    assert_int_equal(logger_reconfigure(l, &p->options, NULL), ST_OK);
    log_debug("five");
    log_trace("six");
    logger_free(&l);
    text = slurp(p->log);
    assert_matches(text, "^[^\n]*\\[DBG\\] three\n[^\n]*\\[TRC\\] six\n$");
    free(text);
    place_free(p);
}

/* The file may hold exactly its limit; the byte after it rotates. */
static void test_rotation_at_the_limit(void **state)
{
    struct place *p = place_new();
    struct logger *l;
    struct stat st;

    (void)state;
    p->options.logtime = false;
    l = must_open(&p->options);
    log_info("0123456789");
    logger_free(&l);
    assert_int_equal(stat(p->log, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(unlink(p->log), 0);

    p->options.log_size_limit = st.st_size;
    l = must_open(&p->options);
    log_info("0123456789");
    assert_int_equal(count_files(p, "server.log", false), 1);
    logger_free(&l);
    l = must_open(&p->options);
    log_info("0123456789");
    assert_int_equal(count_files(p, "server.log", false), 2);
    assert_int_equal(count_files(p, "server.log.20", false), 1);
    logger_free(&l);
    place_free(p);
}

static void test_purge_keeps_strangers(void **state)
{
    static const char *const strangers[] = {
        "server.log.old", "server.log.2026.01.02.03.04.05.12345678", "server.log2",
        "server.log.2026.01.02.03.04.05.1234567890", "server.log.2026.01.02.03.04.05x123456789",
    };
    struct place *p = place_new();
    struct logger *l;
    char path[200];
    char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->dir, strangers[i]);
        fclose(fopen(path, "w"));
    }
    p->options.log_size_limit = 200;
    p->options.log_max_num = 3;
    l = must_open(&p->options);
    for (int i = 0; i < 100; i++) log_info("message number %d", i);
    logger_free(&l);
    assert_int_equal(count_files(p, "server.log", false), 3 + (int)COUNT_OF(strangers));
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->dir, strangers[i]);
        assert_int_equal(access(path, F_OK), 0);
    }
    text = slurp(p->log);
    assert_matches(text, "\\[INF\\] Rotated log, backup saved as \"/tmp/logger_test");
    assert_matches(text, "\\[INF\\] Purged log file \"server.log.20");
    free(text);
    place_free(p);
}

/* A file that cannot be renamed stays in use, and the log says why. */
static void test_rotation_failure_loses_nothing(void **state)
{
    struct place *p = place_new();
    struct logger *l;
    char aside[200];
    char *text;

    (void)state;
    p->options.log_size_limit = 60;
    l = must_open(&p->options);
    snprintf(aside, sizeof(aside), "%s/aside", p->dir);
    assert_int_equal(rename(p->log, aside), 0);
    log_info("first, long enough to go over the limit of this file");
    log_info("second");
    logger_free(&l);
    text = slurp(aside);
    assert_matches(text, "first.*\\[ERR\\] Unable to rotate logfile .rename.*at size 120"
                   ".*\\[INF\\] second\n");
    free(text);
    place_free(p);
}

static void test_reopen(void **state)
{
    struct place *p = place_new();
    struct logger *l = must_open(&p->options);
    char aside[200];
    char *text;

    (void)state;
    log_info("one");
    snprintf(aside, sizeof(aside), "%s/aside", p->dir);
    assert_int_equal(rename(p->log, aside), 0);
    log_info("two");
    logger_reopen(l);
    log_info("three");
    logger_free(&l);
    text = slurp(aside);
    assert_matches(text, "one\n[^\n]*two\n$");
    free(text);
    text = slurp(p->log);
    assert_matches(text, "^[^\n]*File log re-opened\n[^\n]*three\n$");
    free(text);
    place_free(p);
}

static void test_bad_output_changes_nothing(void **state)
{
    static const struct { const char *log_file, *remote, *why; } rows[] = {
        { "/nonexistent/x.log", NULL, "^error opening file: open /nonexistent/x.log: " },
        { NULL, "ftp://x:1", "^error connecting to syslog: invalid network type: \"ftp\"$" },
        { NULL, "udp://localhost", "^error connecting to syslog: dial: address localhost: " },
        { NULL, "udp://:", "^error connecting to syslog: dial: address :: missing" },
        { NULL, "unix:///nonexistent/x", "^error connecting to syslog: dial unix /nonex" },
        { NULL, "unix://", "^error connecting to syslog: dial unix : " },
    };
    struct place *p = place_new();
    struct logger *l = must_open(&p->options);
    struct options bad = p->options;
    struct error why;
    struct logger *none;
    char *text;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bad.log_file = (char *)(uintptr_t)rows[i].log_file;
        bad.remote_syslog = (char *)(uintptr_t)rows[i].remote;
        assert_int_not_equal(logger_reconfigure(l, &bad, &why), ST_OK);
        assert_matches(why.text, rows[i].why);
        assert_int_not_equal(logger_open(&bad, &none, &why), ST_OK);
        assert_null(none);
    }
    log_info("still here");
    logger_free(&l);
    text = slurp(p->log);
    assert_matches(text, "^[^\n]*still here\n$");
    free(text);
    place_free(p);
}

static void test_lost_lines_are_reported(void **state)
{
    struct place *p = place_new();
    struct logger *l;
    struct options full = p->options;
    char *text;

    (void)state;
    full.log_file = (char *)(uintptr_t)"/dev/full";
    l = must_open(&full);
    log_info("lost");
    log_info("lost too");
    assert_int_equal(logger_reconfigure(l, &p->options, NULL), ST_OK);
    log_info("written");
    logger_free(&l);
    text = slurp(p->log);
    assert_matches(text, "^[^\n]*\\[WRN\\] 2 log lines could not be written\n[^\n]*written\n$");
    free(text);
    place_free(p);
}

static void test_remote_syslog(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval wait_max = { .tv_sec = 10 };
    socklen_t len = sizeof(in);
    struct options options = { .debug = true };
    char url[64], text[512];
    struct logger *l;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    static const struct { enum log_level level; int priority; } rows[] = {
        { LOG_INFO, 5 }, { LOG_WARN, 4 }, { LOG_ERROR, 3 }, { LOG_FATAL, 2 }, { LOG_DEBUG, 7 },
    };

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait_max, sizeof(wait_max)), 0);
    snprintf(url, sizeof(url), "udp://127.0.0.1:%d", ntohs(in.sin_port));
    options.remote_syslog = url;
    l = must_open(&options);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char pattern[200];
        ssize_t n;

        log_at(rows[i].level, "over the wire");
        n = recv(fd, text, sizeof(text) - 1, 0);
        assert_true(n > 0);
        text[n] = '\0';
        snprintf(pattern, sizeof(pattern), "^<%d>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}"
                 "(Z|[+-][0-9]{2}:[0-9]{2}) [^ ]+ logger_test\\[%d\\]: over the wire\n$",
                 rows[i].priority, (int)getpid());
        assert_matches(text, pattern);
    }
    logger_free(&l);
    close(fd);
}

static void test_local_form_and_reconnect(void **state)
{
    struct place *p = place_new();
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct options options = { .logtime = true };
    struct logger *l;
    char url[128], text[256];
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;
    ssize_t n;

    (void)state;
    snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", p->dir);
    assert_int_equal(bind(listener, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(listener, 1), 0);
    snprintf(url, sizeof(url), "unix://%s", un.sun_path);
    options.remote_syslog = url;
    l = must_open(&options);
    log_warn("near");
    fd = accept(listener, NULL, NULL);
    n = read(fd, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_matches(text, "^<4>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} logger_test\\[[0-9]+\\]: near\n$");

    /* The daemon drops the connection: the next line opens a new one once a second is over, so
     * keep talking until it does. What got lost meanwhile is reported first. */
    close(fd);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    do {
        log_warn("again");
        fd = accept(listener, NULL, NULL);
        if (fd < 0) poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, 50);
    } while (fd < 0);
    n = read(fd, text, sizeof(text) - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_matches(text, "^<4>.*: ([0-9]+ log lines could not be written|again)\n");
    close(fd);
    close(listener);
    logger_free(&l);
    place_free(p);
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 500; i++) log_info("thread %s line %d end", (const char *)arg, i);
    return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    struct place *p = place_new();
    struct logger *l = must_open(&p->options);
    pthread_t threads[COUNT_OF(names)];
    char *text, *line, *rest;
    int count = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        void *arg = (void *)(uintptr_t)names[i];

        assert_int_equal(pthread_create(&threads[i], NULL, log_many, arg), 0);
    }
    for (int i = 0; i < 20; i++)
        assert_int_equal(logger_reconfigure(l, &p->options, NULL), ST_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) pthread_join(threads[i], NULL);
    logger_free(&l);
    text = slurp(p->log);
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char name;
        int number, end = 0;
        const char *at = strstr(line, "[INF] ");

        assert_non_null(at);
        assert_int_equal(sscanf(at, "[INF] thread %c line %d end%n", &name, &number, &end), 2);
        assert_int_equal(at[end], '\0');
        count++;
    }
    assert_int_equal(count, 500 * (int)COUNT_OF(names));
    free(text);
    place_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_zone),
        cmocka_unit_test(test_levels_follow_reload),
        cmocka_unit_test(test_rotation_at_the_limit),
        cmocka_unit_test(test_purge_keeps_strangers),
        cmocka_unit_test(test_rotation_failure_loses_nothing),
        cmocka_unit_test(test_reopen),
        cmocka_unit_test(test_bad_output_changes_nothing),
        cmocka_unit_test(test_lost_lines_are_reported),
        cmocka_unit_test(test_remote_syslog),
        cmocka_unit_test(test_local_form_and_reconnect),
        cmocka_unit_test(test_threads_do_not_mix_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
