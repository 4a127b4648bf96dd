/* SPDX-License-Identifier: Apache-2.0 */
/* client_subs.c - SUB and UNSUB, and the table of a client's subscriptions by sid. */
#include "auth/perms.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/client_priv.h"
#include "core/trace.h"
#include "proto/subject.h"

/* ---- table ---- */

static uint32_t home_of(const struct client *c, struct span sid)
{
    return (uint32_t)hash_span(sid, c->core->seed) & (c->subs.cap - 1);
}

struct sub *client_find_sub(const struct client *c, struct span sid)
{
    const struct client_subs *t = &c->subs;

    if (t->count == 0) return NULL;
    for (uint32_t i = home_of(c, sid); t->slots[i]; i = (i + 1) & (t->cap - 1))
        if (span_equal(sub_sid(t->slots[i]), sid)) return t->slots[i];
    return NULL;
}

static void place(struct client *c, struct sub *sub)
{
    uint32_t i = home_of(c, sub_sid(sub));

    while (c->subs.slots[i]) i = (i + 1) & (c->subs.cap - 1);
    c->subs.slots[i] = sub;
}

static void resize(struct client *c, uint32_t cap)
{
    struct client_subs old = c->subs;

    c->subs.slots = mem_zero(cap * sizeof(struct sub *));
    c->subs.cap = cap;
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.slots[i]) place(c, old.slots[i]);
    mem_free(old.slots);
}

static void table_add(struct client *c, struct sub *sub)
{
    if (c->subs.cap == 0)
        resize(c, 2);
    else if ((c->subs.count + 1) * 4 > c->subs.cap * 3)
        resize(c, c->subs.cap * 2);
    place(c, sub);
    c->subs.count++;
}

static void table_delete(struct client *c, const struct sub *sub)
{
    struct client_subs *t = &c->subs;
    uint32_t mask = t->cap - 1, i = home_of(c, sub_sid(sub));

    while (t->slots[i] != sub) i = (i + 1) & mask;
    for (uint32_t j = (i + 1) & mask; t->slots[j]; j = (j + 1) & mask) {
        uint32_t home = home_of(c, sub_sid(t->slots[j]));
        if (((j - home) & mask) < ((j - i) & mask)) continue;
        t->slots[i] = t->slots[j];
        i = j;
    }
    t->slots[i] = NULL;
    t->count--;
    if (t->cap > 16 && t->count * 8 < t->cap) resize(c, t->cap / 2);
}

/* ---- SUB ---- */

static void send_violation(struct client *c, struct span subject, struct span queue,
                           struct span sid, const char *suffix)
{
    struct buf text = { 0 }, line = { 0 };

    buf_append_text(&text, "Permissions Violation for Subscription to ");
    buf_append_quoted(&text, subject);
    client_append_label(c, &line);
    buf_append_text(&line, " - Subscription Violation - Subject ");
    buf_append_quoted(&line, subject);
    if (queue.len) {
        buf_append_text(&text, " using queue ");
        buf_append_quoted(&text, queue);
        buf_append_text(&line, ", Queue: ");
        buf_append_quoted(&line, queue);
    }
    buf_append_text(&text, suffix);
    buf_printf(&line, ", SID %.*s", SPAN_ARG(sid));
    client_send_error(c, buf_text(&text));
    log_error("%s", buf_text(&line));
    buf_free(&text);
    buf_free(&line);
}

static bool may_subscribe(struct client *c, struct span subject, struct span queue,
                          struct span sid)
{
    int64_t max_tokens = core_of(client_loop(c))->config->options->max_sub_tokens;

    if (span_is(queue, "_sys_") || !perms_allow(c->perms, PERMS_SUBSCRIBE, subject, queue)) {
        send_violation(c, subject, queue, sid, "");
        return false;
    }
    if (max_tokens > 0 && subject_token_count(subject) > (uint64_t)max_tokens) {
        send_violation(c, subject, SPAN_NONE, sid, ", too many tokens");
        return false;
    }
    if (c->max_subs >= 0 && c->subs.count >= (uint64_t)c->max_subs) {
        client_send_error(c, "maximum subscriptions exceeded");
        return false;
    }
    return true;
}

static struct sub *new_sub(struct client *c, struct span sid)
{
    struct sub *sub = mem_zero(sizeof *sub + sid.len);

    sub->subscriber = &c->subscriber;
    sub->no_echo = !c->echo;
    sub->headers = c->headers;
    atomic_init(&sub->track_responses, c->responses != NULL);
    sub->sid_len = (uint16_t)sid.len;
    memcpy(sub->sid, sid.p, sid.len);
    return sub;
}

static bool add_sub(struct client *c, struct span subject, struct span queue, struct span sid)
{
    struct sub *sub = new_sub(c, sid);
    enum status st;

    sub->check_delivery = perms_needs_deliver_check(c->perms, subject, queue);
    sync_brlock_write(&c->account->lock);
    st = sublist_insert(c->account->sublist, sub, subject, queue);
    sync_brlock_write_done(&c->account->lock);
    if (st != ST_OK) {
        mem_free(sub);
        return false;
    }
    table_add(c, sub);
    account_interest_changed(c->account);
    atomic_fetch_add_explicit(&c->core->counters.subscriptions, 1, memory_order_relaxed);
    return true;
}

void client_on_sub(struct client *c, const struct parser_command *cmd)
{
    if (!may_subscribe(c, cmd->subject, cmd->queue, cmd->sid)) return;
    if (cmd->sid.len > UINT16_MAX) {
        client_send_error(c, "Invalid Subject");
        return;
    }
    if (client_find_sub(c, cmd->sid) == NULL &&
        !add_sub(c, cmd->subject, cmd->queue, cmd->sid)) {
        client_send_error(c, "Invalid Subject");
        return;
    }
    if (c->verbose) client_send_ok(c);
}

/* ---- UNSUB ---- */

static void release_sub(struct sync_retired *r, void *loop)
{
    struct sub *sub = CONTAINER_OF(r, struct sub, retired);

    if (atomic_load(&sub->reaping))             /* its mail is still on the way */
        loop_retire(loop, r, release_sub);
    else
        mem_free(sub);
}

static void detach(struct client *c, struct sub *sub)
{
    atomic_store_explicit(&sub->closed, true, memory_order_release);
    sync_brlock_write(&c->account->lock);
    sublist_remove(c->account->sublist, sub);
    sync_brlock_write_done(&c->account->lock);
    account_interest_changed(c->account);
    atomic_fetch_sub_explicit(&c->core->counters.subscriptions, 1, memory_order_relaxed);
}

void client_remove_sub(struct client *c, struct sub *sub)
{
    table_delete(c, sub);
    detach(c, sub);
    c->unsubscribed = true;
    loop_retire(client_loop(c), &sub->retired, release_sub);
}

void client_remove_all_subs(struct client *c)
{
    struct client_subs all = c->subs;

    c->subs = (struct client_subs){ 0 };
    for (uint32_t i = 0; i < all.cap; i++) {
        if (all.slots[i] == NULL) continue;
        detach(c, all.slots[i]);
        loop_retire(client_loop(c), &all.slots[i]->retired, release_sub);
    }
    mem_free(all.slots);
}

static void on_reap(struct sync_mail *mail, void *loop)
{
    struct sub *sub = CONTAINER_OF(mail, struct sub, reap);
    struct client *c = CONTAINER_OF(sub->subscriber, struct client, subscriber);

    if (atomic_load(&sub->closed)) {    /* removed already: its client may be gone as well */
        atomic_store(&sub->reaping, false);
        return;
    }
    if (client_loop(c) != loop) {
        loop_post(client_loop(c), mail);
        return;
    }
    /* Before looking, or a delivery that reaches a max raised just now would tell nobody. */
    atomic_store(&sub->reaping, false);
    if (atomic_load(&sub->delivered) >= atomic_load(&sub->max)) client_remove_sub(c, sub);
}

void client_post_reap(struct client *c, struct sub *sub)
{
    if (atomic_exchange(&sub->reaping, true)) return;
    sub->reap.run = on_reap;
    loop_post(client_loop(c), &sub->reap);
}

/* What UNSUB with a max comes down to once every delivery is counted when it is made. The max is
 * set first: a delivery that is not in the sum we read then sees it (count_exactly). */
static void apply_max(struct client *c, struct span sid, int64_t max)
{
    struct sub *sub = client_find_sub(c, sid);

    if (sub == NULL) return;
    atomic_store(&sub->max, max);
    if (atomic_load(&sub->delivered) >= max) client_remove_sub(c, sub);
}

void client_on_unsub(struct client *c, const struct parser_command *cmd)
{
    struct sub *sub = client_find_sub(c, cmd->sid);

    if (c->verbose) client_send_ok(c);
    if (sub == NULL) return;
    if (cmd->max <= 0) {
        client_remove_sub(c, sub);
        return;
    }
    if (atomic_load(&sub->max) == 0) atomic_store(&sub->max, SUB_MAX_PENDING);
    client_wait(c, apply_max, cmd->sid, cmd->max);
}

/* ---- reload ---- */

static void log_removed(const struct client *c, struct span subject, struct span queue,
                        struct span sid)
{
    struct buf line = { 0 };

    buf_append_text(&line, "Removed sub ");
    buf_append_quoted(&line, subject);
    if (queue.len) {
        buf_append_text(&line, " using queue ");
        buf_append_quoted(&line, queue);
    }
    buf_append_text(&line, " (sid ");
    buf_append_quoted(&line, sid);
    buf_append_text(&line, ") for ");
    auth_identity_describe(c->details->identity, &line);
    log_info("%s - not authorized", buf_text(&line));
    buf_free(&line);
}

static bool is_still_allowed(struct client *c, const struct sub *sub)
{
    struct buf filter = { 0 };
    struct span queue = sublist_queue(sub);
    bool allowed;

    sublist_append_filter(sub, &filter);
    allowed = perms_allow(c->perms, PERMS_SUBSCRIBE, buf_span(&filter), queue);
    if (!allowed) {
        struct buf suffix = { 0 };
        buf_printf(&suffix, " (sid \"%.*s\")", SPAN_ARG(sub_sid(sub)));
        send_violation(c, buf_span(&filter), queue, sub_sid(sub), buf_text(&suffix));
        buf_free(&suffix);
        log_removed(c, buf_span(&filter), queue, sub_sid(sub));
    }
    buf_free(&filter);
    return allowed;
}

void client_recheck_subs(struct client *c)
{
    struct sub **all = mem_alloc((c->subs.count + 1) * sizeof *all);
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->subs.cap; i++)
        if (c->subs.slots[i]) all[count++] = c->subs.slots[i];
    for (uint32_t i = 0; i < count; i++) {
        struct buf filter = { 0 };
        if (!is_still_allowed(c, all[i])) {
            client_remove_sub(c, all[i]);
            continue;
        }
        sublist_append_filter(all[i], &filter);
        /* Under the lock: other loops read it while they build match results. */
        sync_brlock_write(&c->account->lock);
        all[i]->check_delivery = perms_needs_deliver_check(c->perms, buf_span(&filter),
                                                           sublist_queue(all[i]));
        sync_brlock_write_done(&c->account->lock);
        atomic_store(&all[i]->track_responses, c->responses != NULL);
        buf_free(&filter);
    }
    mem_free(all);
    sublist_invalidate(c->account->sublist);    /* results made by the old rules */
}
