/* SPDX-License-Identifier: Apache-2.0 */
/* jsz_streams.c - the streams of an account and their consumers, in nats-server's StreamDetail.
 *
 * The home loop writes: its state as JSON is as small as a copy of it would be, and needs no copy
 * of configurations. It does so for PAGE_NS, then serves its clients, then goes on where it was.
 * What it needs from the disk is read before that stream is begun. */
#include "base/duration.h"
#include "base/mem.h"
#include "jetstream/consumer.h"
#include "jetstream/source.h"
#include "jetstream/stream.h"
#include "jetstream/stream_info.h"
#include "monitor/endpoint.h"
#include "monitor/jsz.h"
#include "os/clock.h"
#include "os/sync.h"

#define PAGE_NS (NS_PER_S / 1000)

enum walk_list { LIST_PUBLIC, LIST_DIRECT, LISTS };

struct walk {
    struct jsonw *w;
    struct js *js;
    const char *account;
    const struct jsz_options *options;
    size_t stream_at;                   /* the next stream of the account */
    struct buf stream;                  /* name of the one that is open; empty: none is */
    enum walk_list list;                /* of the open one */
    size_t consumer_at;
    bool any_stream, any_consumer;      /* the array was begun */
    bool done;
    struct store_wait wait;             /* for the first message of stream_at */
    bool waits;
    struct sync_gate gate;
};

/* ---- on the home loop ---- */

static void on_read(struct store_wait *wait)
{
    struct walk *k = CONTAINER_OF(wait, struct walk, wait);
    const struct js_account *a = js_account_find(k->js, span_of(k->account));
    int64_t ns;

    if (a && k->stream_at < a->streams.count)   /* the stream remembers it */
        (void)(stream_first_time(a->streams.entries[k->stream_at].value, &ns, NULL) == ST_OK);
    sync_gate_pass(&k->gate);
}

/* False: the time of its first message is being read. */
static bool open_stream(struct walk *k, struct stream *s)
{
    struct stream_info_wishes wishes = { .deleted = false };
    struct jsonw *w = k->w;
    uint64_t subjects;

    if (stream_first_time(s, &wishes.first_ns, NULL) == ST_AGAIN) {
        k->wait = (struct store_wait){ .done = on_read };
        sync_gate_init(&k->gate, 1);
        k->waits = stream_first_time(s, &wishes.first_ns, &k->wait) == ST_AGAIN;
        if (k->waits) return false;
    }
    if (!k->any_stream) jsonw_array(w, "stream_detail");
    k->any_stream = true;
    k->stream_at++;
    jsonw_object(w, NULL);
    jsonw_text(w, "name", s->config.name);
    jsonw_time(w, "created", s->created_ns);
    jsonw_object(w, "cluster");
    jsonw_text(w, "leader", k->js->core->identity.name);
    jsonw_end_object(w);
    if (k->options->config) stream_config_write(&s->config, w, "config");
    stream_info_write_state(s, &wishes, w, &subjects);
    buf_append_text(&k->stream, s->config.name);
    k->list = k->options->consumers ? LIST_PUBLIC : LISTS;
    k->consumer_at = 0;
    return true;
}

static void end_list(struct walk *k)
{
    if (k->any_consumer) jsonw_end_array(k->w);
    k->any_consumer = false;
    k->consumer_at = 0;
    k->list++;
    if (k->list == LIST_DIRECT && !k->options->direct) k->list++;
}

static void put_consumer(struct walk *k, struct consumer *c)
{
    static const char *const keys[] = { "consumer_detail", "direct_consumer_detail" };

    if (consumer_config_of(c)->direct != (k->list == LIST_DIRECT)) return;
    if (!k->any_consumer) jsonw_array(k->w, keys[k->list]);
    k->any_consumer = true;
    consumer_write_detail(c, k->w, k->options->config);
}

static void step_in_stream(struct walk *k, struct js_account *a)
{
    struct stream *s = a ? js_stream_find(a, buf_span(&k->stream)) : NULL;
    bool more = s && k->consumer_at < s->consumers.count && k->w->out->len <= REPLY_BYTES_MAX;

    if (k->list < LISTS && more) {
        put_consumer(k, s->consumers.entries[k->consumer_at++].value);
    } else if (k->list < LISTS) {
        end_list(k);
    } else {
        if (s) sources_write_info(s, k->w);
        jsonw_end_object(k->w);
        k->stream.len = 0;
    }
}

/* One consumer or one stream's head or end. False: this visit can do no more. */
static bool step(struct walk *k)
{
    struct js_account *a = js_account_find(k->js, span_of(k->account));

    if (k->stream.len) {
        step_in_stream(k, a);
        return true;
    }
    k->done = a == NULL || k->stream_at >= a->streams.count || k->w->out->len > REPLY_BYTES_MAX;
    return !k->done && open_stream(k, a->streams.entries[k->stream_at].value);
}

static void put_page(struct js *js, void *arg)
{
    int64_t end_ns = clock_mono_ns() + PAGE_NS;

    (void)js;
    while (step(arg) && clock_mono_ns() < end_ns) { }
}

/* ---- on the monitoring thread ---- */

void jsz_put_streams(struct jsonw *w, struct js *js, const char *account,
                     const struct jsz_options *o)
{
    struct walk k = { .w = w, .js = js, .account = account, .options = o };

    while (!k.done) {
        k.waits = false;
        js_visit(js, put_page, &k);
        if (k.waits) sync_gate_wait(&k.gate);
    }
    if (k.any_stream) jsonw_end_array(w);
    buf_free(&k.stream);
}
