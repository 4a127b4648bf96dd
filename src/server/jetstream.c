/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream.c - from options to a running engine and back. */
#include "server/jetstream.h"

#include "base/duration.h"
#include "config/jetstream_settings.h"
#include "jetstream/js.h"
#include "jetstream/js_level.h"
#include "os/clock.h"
#include "os/disk.h"
#include "server/jetstream_banner.h"
#include "server/server_priv.h"

static void log_banner(const struct options_jetstream *o, const struct jetstream_settings *s)
{
    struct buf text = { 0 };

    jetstream_banner_append(&text, o, s, JS_API_LEVEL);
    server_log_lines(LOG_INFO, &text);
    buf_free(&text);
}

static void log_took(int64_t ns)
{
    struct buf text = { 0 };

    duration_append(&text, ns);
    log_info("Took %s to start JetStream", buf_text(&text));
    buf_free(&text);
}

enum status server_start_jetstream(struct server *s, struct error *why)
{
    const struct options_jetstream *o = &s->core->config->options->jetstream;
    int64_t start_ns = clock_mono_ns();
    struct jetstream_settings settings;
    enum status st;

    if (!o->enabled) return ST_OK;
    log_info("Starting JetStream");
    jetstream_settings_read(&settings, o);
    log_banner(o, &settings);
    s->disk = disk_real_new();
    st = js_new(&s->js, s->core, &settings, s->disk, why);
    if (st == ST_OK) log_took(clock_mono_ns() - start_ns);
    jetstream_settings_fini(&settings);
    return st;
}

static void reload_on_home(struct core_loop *cl, void *arg)
{
    struct server *s = arg;

    if (cl->loop == s->js->home) js_apply_config(s->js);
}

void server_reload_jetstream(struct server *s)
{
    if (s->js) core_on_each_loop(s->core, reload_on_home, s);
}

static void shutdown_on_home(struct core_loop *cl, void *arg)
{
    struct server *s = arg;

    if (cl->loop == s->js->home) js_shutdown(s->js);
}

void server_shutdown_jetstream(struct server *s)
{
    if (s->js) core_on_each_loop(s->core, shutdown_on_home, s);
}

void server_free_jetstream(struct server *s)
{
    /* What the loops still had to tell JetStream refers to it. */
    if (s->js) loop_group_drain(&s->core->loops);
    js_free(&s->js);
    disk_free(&s->disk);
}
