/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - /metrics for Prometheus. Names follow its conventions: base units, _total for
 * counters. Labels have few values: accounts beyond the first METRICS_ACCOUNTS_MAX share one. */
#include <stdio.h>

#include "base/duration.h"
#include "core/client.h"
#include "core/closed.h"
#include "monitor/endpoint.h"
#include "monitor/exposition.h"
#include "monitor/gather.h"
#include "monitor/metrics_jetstream.h"
#include "os/usage.h"

#define OTHER "other"                   /* an account of this name is counted among the others */

static double seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

static void put_counter(struct exposition *e, const char *name, const char *help, uint64_t value)
{
    exposition_family(e, name, EXPOSITION_COUNTER, help);
    exposition_u64(e, NULL, 0, value);
}

static void put_gauge(struct exposition *e, const char *name, const char *help, int64_t value)
{
    exposition_family(e, name, EXPOSITION_GAUGE, help);
    exposition_int(e, NULL, 0, value);
}

static void put_seconds(struct exposition *e, const char *name, const char *help, int64_t ns)
{
    exposition_family(e, name, EXPOSITION_GAUGE, help);
    exposition_double(e, NULL, 0, seconds(ns));
}

/* Two counters of one family, told apart by one label. */
static void put_pair(struct exposition *e, const char *label, const char *first, uint64_t a,
                     const char *second, uint64_t b)
{
    struct exposition_label one = { label, span_of(first) }, two = { label, span_of(second) };

    exposition_u64(e, &one, 1, a);
    exposition_u64(e, &two, 1, b);
}

/* ---- server and process ---- */

static void put_server(struct exposition *e, const struct gather *g)
{
    const struct core_identity *id = &g->core->identity;
    struct core_counters *c = &g->core->counters;
    const struct exposition_label build[] = {
        { "version", SPAN_LIT(MYELIN_VERSION) },
        { "nats_version", span_of(id->version) },
    };

    exposition_family(e, "nats_build", EXPOSITION_INFO,
                      "Version of Myelin, and of the nats-server whose features it has.");
    exposition_int(e, build, COUNT_OF(build), 1);
    put_seconds(e, "nats_uptime_seconds", "Time since the server started.",
                g->now_mono_ns - id->start_mono_ns);
    put_seconds(e, "nats_config_load_timestamp_seconds",
                "When the configuration in force was loaded, since 1970.",
                g->config->load_wall_ns);
    exposition_family(e, "nats_config_reloads", EXPOSITION_COUNTER,
                      "Reloads of the configuration by outcome.");
    put_pair(e, "result", "success", atomic_load(&c->reloads), "failure",
             atomic_load(&c->reload_errors));
    put_gauge(e, "nats_config_last_reload_successful",
              "Whether the last reload succeeded; 1 as well when there was none.",
              !atomic_load(&c->reload_failed));
    put_gauge(e, "nats_lame_duck_mode", "Whether the server is leaving.",
              atomic_load(&g->core->lame_duck));
}

static void put_process(struct exposition *e, const struct gather *g)
{
    struct usage_memory m = usage_memory();

    exposition_family(e, "process_cpu_seconds", EXPOSITION_COUNTER,
                      "CPU time of the process, user and system.");
    exposition_double(e, NULL, 0, seconds(usage_cpu_ns()));
    put_seconds(e, "process_start_time_seconds", "When the process started, since 1970.",
                g->core->identity.start_wall_ns);
    put_gauge(e, "process_resident_memory_bytes", "Memory in use, as the kernel counts it.",
              m.resident_bytes);
    put_gauge(e, "process_virtual_memory_bytes", "Address space in use.", m.virtual_bytes);
    put_gauge(e, "nats_heap_bytes", "Allocated and not freed.", m.heap_bytes);
    put_gauge(e, "process_open_fds", "Open file descriptors.", usage_descriptors());
    put_gauge(e, "process_max_fds", "Open file descriptors allowed.", usage_descriptors_max());
}

/* ---- traffic ---- */

static void put_traffic(struct exposition *e, const struct gather *g)
{
    const struct loop_stats *s = &g->sum.stats;

    put_counter(e, "nats_received_messages", "Messages received from clients.", s->in_msgs);
    put_counter(e, "nats_received_bytes", "Bytes of messages received from clients.",
                s->in_bytes);
    put_counter(e, "nats_sent_messages", "Messages sent to clients.", s->out_msgs);
    put_counter(e, "nats_sent_bytes", "Bytes of messages sent to clients.", s->out_bytes);
}

static void add_pending(struct client *c, void *arg)
{
    *(uint64_t *)arg += conn_pending(&c->conn);
}

static void visit_pending(struct core_loop *cl, void *arg)
{
    uint64_t sum = 0;

    core_each_client(cl, add_pending, &sum);
    atomic_fetch_add((_Atomic uint64_t *)arg, sum);
}

static uint64_t count_pending(struct core *core)
{
    _Atomic uint64_t sum = 0;

    core_on_each_loop(core, visit_pending, &sum);
    return atomic_load(&sum);
}

static void put_connections(struct exposition *e, const struct gather *g)
{
    struct core_counters *c = &g->core->counters;
    const struct loop_stats *s = &g->sum.stats;

    put_gauge(e, "nats_connections", "Open client connections.", atomic_load(&c->clients));
    put_gauge(e, "nats_connections_limit", "How many client connections are allowed.",
              g->config->options->max_connections);
    put_counter(e, "nats_connections_opened", "Client connections ever accepted.",
                atomic_load(&c->total_clients));
    put_counter(e, "nats_connections_closed", "Client connections that ended.",
                closed_ring_total(g->core->closed));
    put_gauge(e, "nats_pending_bytes", "Bytes queued for clients.",
              (int64_t)count_pending(g->core));
    exposition_family(e, "nats_slow_consumers", EXPOSITION_COUNTER,
                      "Clients cut off because they did not read fast enough.");
    put_pair(e, "reason", "pending_bytes", s->slow_pending, "write_deadline", s->slow_deadline);
    put_counter(e, "nats_stale_connections", "Clients cut off because they answered no PING.",
                s->stale);
    put_counter(e, "nats_client_stalls", "Pauses of clients that sent to a slow consumer.",
                s->stalled);
    put_counter(e, "nats_auth_errors", "Refused credentials.", atomic_load(&c->auth_errors));
    put_gauge(e, "nats_subscriptions", "Subscriptions of all accounts.", (int64_t)g->subs);
}

static void put_matches(struct exposition *e, const struct match_stats *m)
{
    put_gauge(e, "nats_match_cache_entries", "Subjects whose receivers are remembered.",
              (int64_t)m->entries);
    put_counter(e, "nats_match_lookups", "Searches for the receivers of a subject.", m->lookups);
    put_counter(e, "nats_match_cache_hits", "Searches answered from memory.", m->hits);
}

/* ---- by label ---- */

typedef uint64_t loop_value_f(const struct gather_loop *l);

static uint64_t loop_iterations(const struct gather_loop *l)
{
    return l->stats.iterations;
}

static uint64_t loop_writes(const struct gather_loop *l)
{
    return l->stats.flushes;
}

static uint64_t loop_clients(const struct gather_loop *l)
{
    return l->clients;
}

static void put_by_loop(struct exposition *e, const struct gather *g, loop_value_f *value)
{
    for (unsigned i = 0; i < g->core->loops.count; i++) {
        char text[12];
        struct exposition_label label = { "loop", SPAN_NONE };

        snprintf(text, sizeof text, "%u", i);
        label.value = span_of(text);
        if (value)
            exposition_u64(e, &label, 1, value(&g->loops[i]));
        else
            exposition_double(e, &label, 1, seconds(g->loops[i].cpu_ns));
    }
}

static void put_loops(struct exposition *e, const struct gather *g)
{
    exposition_family(e, "nats_loop_cpu_seconds", EXPOSITION_COUNTER,
                      "CPU time of an event loop; its rate is how busy the loop is.");
    put_by_loop(e, g, NULL);
    exposition_family(e, "nats_loop_iterations", EXPOSITION_COUNTER,
                      "Times that an event loop looked for work.");
    put_by_loop(e, g, loop_iterations);
    exposition_family(e, "nats_loop_writes", EXPOSITION_COUNTER,
                      "Writes to sockets by an event loop.");
    put_by_loop(e, g, loop_writes);
    exposition_family(e, "nats_loop_connections", EXPOSITION_GAUGE,
                      "Client connections that an event loop has.");
    put_by_loop(e, g, loop_clients);
}

typedef uint64_t account_value_f(const struct gather_account *a);

static uint64_t account_connections(const struct gather_account *a)
{
    return (uint64_t)a->connections;
}

static uint64_t account_subs(const struct gather_account *a)
{
    return a->subs.subs;
}

static uint64_t account_in_msgs(const struct gather_account *a)
{
    return a->stats.in_msgs;
}

static uint64_t account_in_bytes(const struct gather_account *a)
{
    return a->stats.in_bytes;
}

static uint64_t account_out_msgs(const struct gather_account *a)
{
    return a->stats.out_msgs;
}

static uint64_t account_out_bytes(const struct gather_account *a)
{
    return a->stats.out_bytes;
}

static uint64_t account_slow(const struct gather_account *a)
{
    return a->stats.slow_consumers;
}

static void put_by_account(struct exposition *e, const struct gather *g, account_value_f *value)
{
    struct exposition_label label = { "account", SPAN_LIT(OTHER) };
    uint64_t other = 0;
    size_t shown = 0;

    for (size_t i = 0; i < g->account_count; i++) {
        const struct gather_account *a = &g->accounts[i];
        if (shown == METRICS_ACCOUNTS_MAX || strcmp(a->account->name, OTHER) == 0) {
            other += value(a);
            continue;
        }
        label.value = span_of(a->account->name);
        exposition_u64(e, &label, 1, value(a));
        shown++;
    }
    label.value = SPAN_LIT(OTHER);
    if (shown < g->account_count) exposition_u64(e, &label, 1, other);
}

static void put_accounts(struct exposition *e, const struct gather *g)
{
    static const struct {
        const char *name;
        enum exposition_type type;
        const char *help;
        account_value_f *value;
    } rows[] = {
        { "nats_account_connections", EXPOSITION_GAUGE, "Open client connections of an account.",
          account_connections },
        { "nats_account_subscriptions", EXPOSITION_GAUGE, "Subscriptions in an account.",
          account_subs },
        { "nats_account_received_messages", EXPOSITION_COUNTER,
          "Messages received from clients of an account.", account_in_msgs },
        { "nats_account_received_bytes", EXPOSITION_COUNTER,
          "Bytes of messages received from clients of an account.", account_in_bytes },
        { "nats_account_sent_messages", EXPOSITION_COUNTER,
          "Messages sent to clients of an account.", account_out_msgs },
        { "nats_account_sent_bytes", EXPOSITION_COUNTER,
          "Bytes of messages sent to clients of an account.", account_out_bytes },
        { "nats_account_slow_consumers", EXPOSITION_COUNTER,
          "Clients of an account cut off because they did not read fast enough.", account_slow },
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        exposition_family(e, rows[i].name, rows[i].type, rows[i].help);
        put_by_account(e, g, rows[i].value);
    }
}

static void put_requests(struct exposition *e, const uint64_t *requests)
{
    exposition_family(e, "nats_http_requests", EXPOSITION_COUNTER,
                      "Requests to the monitoring port by page.");
    for (unsigned i = 0; i < ENDPOINT_COUNT; i++) {
        struct exposition_label label = { "endpoint", span_of(endpoint_path((enum endpoint)i)) };
        exposition_u64(e, &label, 1, requests[i]);
    }
}

static void put_jetstream(struct exposition *e, struct js *js)
{
    struct js_facts facts;
    struct metrics_rows rows;

    put_gauge(e, "nats_jetstream_enabled", "Whether JetStream is on.", js != NULL);
    if (js == NULL) return;
    js_facts_init(&facts, js);
    metrics_rows_init(&rows, js, &facts);
    metrics_put_jetstream(e, &facts, &rows);
    metrics_rows_fini(&rows);
    js_facts_fini(&facts);
}

void metrics_serve(const struct endpoint_call *call, struct reply *r)
{
    bool open_metrics = exposition_wants_open_metrics(call->accept);
    struct exposition e = { .out = &r->body, .open_metrics = open_metrics };
    struct gather g;

    gather_init(&g, call->core);
    put_server(&e, &g);
    put_connections(&e, &g);
    put_traffic(&e, &g);
    put_matches(&e, &g.sum.matches);
    put_loops(&e, &g);
    put_accounts(&e, &g);
    put_jetstream(&e, call->js);
    put_requests(&e, call->requests);
    put_process(&e, &g);
    exposition_end(&e);
    gather_fini(&g);
    r->status = 200;
    r->type = exposition_content_type(open_metrics);
}
