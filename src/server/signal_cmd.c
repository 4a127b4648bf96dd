/* SPDX-License-Identifier: Apache-2.0 */
/* signal_cmd.c - resolves processes and signals them; the texts are nats-server's. */
#include "server/signal_cmd.h"

#include <stdio.h>

#include "base/mem.h"
#include "os/file.h"

#define PIDFILE_BYTES_MAX 64

/* Which processes are meant. */
struct target {
    struct span pid;            /* digits, or the first digits; empty: any */
    bool glob;
};

static enum status fail_text(struct buf *why, enum status st, const char *text)
{
    buf_append_text(why, text);
    return st;
}

/* Split spec at '='; the part after it is the target. */
static enum status split(struct span spec, struct span *command, struct span *target,
                         struct buf *why)
{
    size_t at = span_find(spec, '=');
    struct span rest;

    *command = span_make(spec.p, at);
    *target = SPAN_NONE;
    if (at == spec.len) return ST_OK;
    *target = span_from(spec, at + 1);
    at = span_find(*target, '=');
    if (at == target->len) return ST_OK;
    rest = span_from(*target, at + 1);
    buf_append_text(why, "invalid signal parameters: [");
    for (size_t i = 0; i < rest.len; i++) buf_append_char(why, rest.p[i] == '=' ? ' ' : rest.p[i]);
    return fail_text(why, ST_BAD_INPUT, "]");
}

/* text is a pid, a pid file's content, or either with a '*'. Pids below 1 mean groups of
 * processes to kill(2) and are refused. */
static enum status read_target(struct span text, struct target *t, uint64_t *pid, struct buf *why)
{
    *t = (struct target){ span_trim(text), false };
    *pid = 0;
    if (t->pid.len > 0 && t->pid.p[t->pid.len - 1] == '*') {
        t->glob = true;
        t->pid.len--;
    }
    if (t->pid.len == 0) return ST_OK;
    if (span_to_u64(t->pid, pid) && *pid >= 1 && *pid <= INT32_MAX) return ST_OK;
    buf_printf(why, "invalid pid: %.*s", SPAN_ARG(t->pid));
    return ST_BAD_INPUT;
}

static enum status send_to_all(struct span command, const struct target *t, const int *pids,
                               size_t count, struct buf *why)
{
    enum process_signal signal;
    enum status result = ST_OK, st;

    if (signal_cmd_parse(command, &signal) != ST_OK) {
        buf_printf(why, "unknown signal \"%.*s\"", SPAN_ARG(command));
        return ST_BAD_INPUT;
    }
    for (size_t i = 0; i < count; i++) {
        struct error cause = { "" };
        char digits[16];

        snprintf(digits, sizeof(digits), "%d", pids[i]);
        if (!span_has_prefix(span_of(digits), t->pid)) continue;
        st = process_kill(pids[i], signal, &cause);
        if (st == ST_OK) continue;
        buf_printf(why, "\nsignal \"%.*s\" %d: %s", SPAN_ARG(command), pids[i], cause.text);
        result = st;
    }
    return result;
}

/* The running servers; without a glob there must be exactly one. */
static enum status find_servers(const struct target *t, const char *const *names,
                                size_t name_count, int **pids, size_t *count, struct buf *why)
{
    if (process_find(names, name_count, pids, count) != ST_OK)
        return fail_text(why, ST_IO, "unable to resolve pid, try providing one");
    if (*count == 0) {
        buf_printf(why, "no %s processes running", names[0]);
        return ST_NOT_FOUND;
    }
    if (*count == 1 || t->glob) return ST_OK;
    buf_printf(why, "multiple %s processes running:", names[0]);
    for (size_t i = 0; i < *count; i++) buf_printf(why, "\n%d", (*pids)[i]);
    return ST_BAD_INPUT;
}

enum status signal_cmd_parse(struct span command, enum process_signal *signal)
{
    static const struct { const char *name; enum process_signal signal; } rows[] = {
        { "stop", PROCESS_KILL }, { "quit", PROCESS_INT }, { "term", PROCESS_TERM },
        { "reload", PROCESS_HUP }, { "reopen", PROCESS_USR1 }, { "ldm", PROCESS_USR2 },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (!span_is(command, rows[i].name)) continue;
        *signal = rows[i].signal;
        return ST_OK;
    }
    return ST_BAD_INPUT;
}

enum status signal_cmd_run_for(const char *spec, const char *const *names, size_t name_count,
                               struct buf *why)
{
    struct span command, text;
    struct target t;
    struct buf file = { 0 };
    uint64_t pid;
    int *pids = NULL, one;
    size_t count = 0;
    char *path;
    enum status st;

    st = split(span_of(spec), &command, &text, why);
    if (st != ST_OK) return st;
    path = mem_dup_span(text);
    if (text.len > 0 && file_read(path, PIDFILE_BYTES_MAX, &file, NULL) == ST_OK)
        text = buf_span(&file);
    st = read_target(text, &t, &pid, why);
    if (st == ST_OK && pid != 0 && !t.glob) {
        one = (int)pid;
        st = send_to_all(command, &t, &one, 1, why);
    } else if (st == ST_OK) {
        st = find_servers(&t, names, name_count, &pids, &count, why);
        if (st == ST_OK) st = send_to_all(command, &t, pids, count, why);
    }
    mem_free(pids);
    mem_free(path);
    buf_free(&file);
    return st;
}

enum status signal_cmd_run(const char *spec, struct buf *why)
{
    const char *const names[] = { process_name(), "myelin", "nats-server" };

    return signal_cmd_run_for(spec, names, COUNT_OF(names), why);
}
