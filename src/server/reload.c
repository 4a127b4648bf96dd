/* SPDX-License-Identifier: Apache-2.0 */
/* reload.c - a new configuration file as one transaction: checked, compiled and switched, or not
 * at all. */
#include "base/log.h"
#include "base/mem.h"
#include "os/notify.h"
#include "server/server_priv.h"

/* The lines of text, one log line each. */
static void log_lines(enum log_level level, struct buf *text)
{
    struct span rest = buf_span(text);

    while (rest.len > 0) {
        size_t end = span_find(rest, '\n');
        log_at(level, "%.*s", (int)end, rest.p);
        rest = span_from(rest, end < rest.len ? end + 1 : end);
    }
}

static void log_changes(const struct config_diff *d)
{
    for (size_t i = 0; i < d->count; i++)
        log_info("Reloaded: %s = %s", d->items[i].name, d->items[i].new_text);
}

static enum status apply(struct server *s, struct options *next, struct error *why)
{
    const struct options *running = s->core->config->options;
    struct config_diff diff;
    enum status st;

    config_diff_init(&diff, running, next);
    st = config_diff_check(&diff, why);
    if (st == ST_OK) st = logger_reconfigure(s->logger, next, why);
    if (st != ST_OK) {
        options_free(&next);
        config_diff_fini(&diff);
        return st;
    }
    st = core_reload(s->core, next, why);
    if (st == ST_OK) log_changes(&diff);
    config_diff_fini(&diff);
    return st;
}

void server_reload(struct server *s)
{
    struct config_messages messages = { 0 };
    struct options *next = NULL;
    struct error why = { "" };
    bool done = false;

    notify_reloading();
    if (config_reload(s->core->config->options, &next, &messages) != ST_OK) {
        if (messages.errors.len)
            log_error("Failed to reload server configuration: %.*s",
                      SPAN_ARG(span_trim(buf_span(&messages.errors))));
    } else {
        log_lines(LOG_WARN, &messages.warnings);
        done = apply(s, next, &why) == ST_OK;
        if (!done)
            log_error("Failed to reload server configuration: %s", why.text);
        else
            log_info("Reloaded server configuration (%s)",
                     s->core->config->options->config_digest);
    }
    atomic_fetch_add(done ? &s->core->counters.reloads : &s->core->counters.reload_errors, 1);
    atomic_store(&s->core->counters.reload_failed, !done);
    config_messages_free(&messages);
    notify_ready();
}
