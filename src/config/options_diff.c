/* SPDX-License-Identifier: Apache-2.0 */
/* options_diff.c - two options compared, for reloads.
 *
 * Each setting is written out as text, once with and once without secrets: the first is compared,
 * the second shown. Order matters in lists, so a reordered list counts as changed, which does no
 * harm: all such settings can be reloaded. */
#include <inttypes.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/option_table.h"
#include "config/options_diff_jetstream.h"

#define REDACTED "[REDACTED]"

/* A setting that is no plain member. */
struct facet {
    const char *name;
    bool reloadable;
    void (*write)(struct buf *out, const struct options *o, bool secrets);
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void write_secret(struct buf *out, const char *text, bool secrets)
{
    if (is_set(text)) buf_append_text(out, secrets ? text : REDACTED);
}

static void write_list(struct buf *out, const struct text_list *l)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0) buf_append_char(out, ' ');
        buf_append_text(out, l->items[i]);
    }
    buf_append_char(out, ']');
}

static void write_text(struct buf *out, const char *key, const char *value)
{
    if (is_set(value)) buf_printf(out, " %s:%s", key, value);
}

static void write_rules(struct buf *out, const char *key, const struct subject_rules *rules)
{
    if (rules->has_allow) {
        buf_printf(out, " %s allow:", key);
        write_list(out, &rules->allow);
    }
    if (rules->has_deny) {
        buf_printf(out, " %s deny:", key);
        write_list(out, &rules->deny);
    }
}

static void write_permissions(struct buf *out, const struct permission_options *p)
{
    if (p == NULL) return;
    buf_append_text(out, " permissions:{");
    write_rules(out, "publish", &p->publish);
    write_rules(out, "subscribe", &p->subscribe);
    if (p->has_responses)
        buf_printf(out, " responses:%" PRId64 "/%" PRId64, p->responses_max, p->responses_ttl_ns);
    buf_append_char(out, '}');
}

static void write_user_list(struct buf *out, const struct options *o, bool nkeys, bool secrets)
{
    buf_append_char(out, '[');
    for (size_t i = 0; i < o->user_count; i++) {
        const struct user_options *u = &o->users[i];
        if (is_set(u->nkey) != nkeys) continue;
        buf_printf(out, "{%s", nkeys ? u->nkey : u->name);
        if (is_set(u->password)) {
            buf_append_text(out, " password:");
            write_secret(out, u->password, secrets);
        }
        write_text(out, "account", u->account);
        if (u->connection_types != 0) buf_printf(out, " types:%x", u->connection_types);
        write_permissions(out, u->permissions);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void write_users(struct buf *out, const struct options *o, bool secrets)
{
    write_user_list(out, o, false, secrets);
}

static void write_nkeys(struct buf *out, const struct options *o, bool secrets)
{
    write_user_list(out, o, true, secrets);
}

static void write_mappings(struct buf *out, const struct mapping_options *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, " %s:[", m[i].source);
        for (size_t d = 0; d < m[i].destination_count; d++) {
            const struct mapping_destination *to = &m[i].destinations[d];
            buf_printf(out, "{%s %u%%", to->subject, to->weight);
            write_text(out, "cluster", to->cluster);
            buf_append_char(out, '}');
        }
        buf_append_char(out, ']');
    }
}

static void write_account_jetstream(struct buf *out, const struct jetstream_account_limits *l)
{
    buf_printf(out, " jetstream:%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 "/%" PRId64 "/%"
               PRId64 "/%" PRId64 "/%d", l->max_memory, l->max_store, l->max_streams,
               l->max_consumers, l->max_ack_pending, l->memory_max_stream_bytes,
               l->store_max_stream_bytes, l->max_bytes_required);
}

static void write_accounts(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_char(out, '[');
    if (o->mapping_count > 0) {
        buf_append_text(out, "{$G");
        write_mappings(out, o->mappings, o->mapping_count);
        buf_append_char(out, '}');
    }
    for (size_t i = 0; i < o->account_count; i++) {
        const struct account_options *a = &o->accounts[i];
        buf_printf(out, "{%s", a->name);
        write_text(out, "nkey", a->nkey);
        buf_printf(out, " limits:%" PRId64 "/%" PRId64 "/%" PRId64, a->max_connections,
                   a->max_subscriptions, a->max_payload);
        if (a->has_jetstream) write_account_jetstream(out, &a->jetstream_limits);
        write_mappings(out, a->mappings, a->mapping_count);
        write_permissions(out, a->default_permissions);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void write_username(struct buf *out, const struct options *o, bool secrets)
{
    write_secret(out, o->authorization.username, secrets);
}

static void write_password(struct buf *out, const struct options *o, bool secrets)
{
    write_secret(out, o->authorization.password, secrets);
}

static void write_token(struct buf *out, const struct options *o, bool secrets)
{
    write_secret(out, o->authorization.token, secrets);
}

static void write_auth_timeout(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    duration_append(out, o->authorization.timeout_ns);
}

/* What makes an OpenSSL context; the rest are settings of their own. */
static void write_tls_context(struct buf *out, const struct tls_options *t)
{
    if (t == NULL) return;
    buf_append_char(out, '{');
    for (size_t i = 0; i < t->certificate_count; i++)
        buf_printf(out, " %s+%s", t->certificates[i].cert_file, t->certificates[i].key_file);
    write_text(out, "ca", t->ca_file);
    buf_printf(out, " verify:%d min:%x ciphers:", t->verify, (unsigned)t->min_version);
    write_list(out, &t->cipher_suites);
    buf_append_text(out, " curves:");
    write_list(out, &t->curve_preferences);
    buf_append_char(out, '}');
}

static void write_tls(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    write_tls_context(out, o->tls);
}

static void write_tls_timeout(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    if (o->tls != NULL) duration_append(out, o->tls->timeout_ns);
}

static void write_tls_pinned(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    if (o->tls != NULL) write_list(out, &o->tls->pinned_certs);
}

static void write_tls_first(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->tls != NULL && o->tls->first != TLS_FIRST_NO ? "true" : "false");
}

static void write_tls_first_fallback(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    duration_append(out, o->tls != NULL && o->tls->first == TLS_FIRST_AUTO
                    ? o->tls->first_fallback_ns : 0);
}

static void write_tls_map(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->tls != NULL && o->tls->verify_and_map ? "true" : "false");
}

static void write_tls_rate(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_printf(out, "%" PRId64, o->tls != NULL ? o->tls->connection_rate_limit : 0);
}

static void write_tags(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    write_list(out, &o->tags.tags);
}

static void write_metadata(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, "map[");
    for (size_t i = 0; i < o->tags.metadata_keys.count; i++)
        buf_printf(out, "%s%s:%s", i > 0 ? " " : "", o->tags.metadata_keys.items[i],
                   o->tags.metadata_values.items[i]);
    buf_append_char(out, ']');
}

static void write_write_timeout(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->write_timeout == WRITE_TIMEOUT_CLOSE ? "close" :
                    o->write_timeout == WRITE_TIMEOUT_RETRY ? "retry" : "default");
}

static void write_websocket(struct buf *out, const struct options *o, bool secrets)
{
    const struct websocket_options *w = &o->websocket;

    buf_printf(out, "{%s:%d no_tls:%d same_origin:%d compression:%d timeouts:%" PRId64 "/%" PRId64
               "/%" PRId64, w->host != NULL ? w->host : "", w->port, w->no_tls, w->same_origin,
               w->compression, w->handshake_timeout_ns, w->ping_interval_ns,
               w->authorization.timeout_ns);
    write_text(out, "advertise", w->advertise);
    write_text(out, "no_auth_user", w->no_auth_user);
    write_text(out, "user_cookie", w->user_cookie);
    write_text(out, "pass_cookie", w->pass_cookie);
    write_text(out, "token_cookie", w->token_cookie);
    buf_append_text(out, " origins:");
    write_list(out, &w->allowed_origins);
    buf_append_text(out, " headers:");
    write_list(out, &w->header_names);
    if (secrets) write_list(out, &w->header_values);
    buf_append_text(out, " authorization:");
    write_secret(out, w->authorization.username, secrets);
    write_secret(out, w->authorization.password, secrets);
    write_secret(out, w->authorization.token, secrets);
    if (w->tls != NULL) buf_printf(out, " map:%d", w->tls->verify_and_map);
    buf_append_char(out, '}');
}

static void write_websocket_tls(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    write_tls_context(out, o->websocket.tls);
}

static void write_not_strict(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->jetstream.strict ? "false" : "true");
}

static void write_sync_always(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->jetstream.sync == JETSTREAM_SYNC_INTERVAL ? "false" : "true");
}

static void write_key(struct buf *out, const struct options *o, bool secrets)
{
    write_secret(out, o->jetstream.key, secrets);
}

static void write_old_key(struct buf *out, const struct options *o, bool secrets)
{
    write_secret(out, o->jetstream.prev_key, secrets);
}

static void write_cipher(struct buf *out, const struct options *o, bool secrets)
{
    (void)secrets;
    buf_append_text(out, o->jetstream.cipher == JETSTREAM_CIPHER_AES ? "AES-GCM"
                                                                     : "ChaCha20-Poly1305");
}

static void write_jetstream_limits(struct buf *out, const struct options *o, bool secrets)
{
    const struct jetstream_limit_options *l = &o->jetstream.limits;

    (void)secrets;
    buf_printf(out, "{max_ack_pending:%" PRId64 " max_ha_assets:%" PRId64 " max_request_batch:%"
               PRId64 " duplicate_window:", l->max_ack_pending, l->max_ha_assets,
               l->max_request_batch);
    duration_append(out, l->duplicate_window_ns);
    buf_printf(out, " batch:%" PRId64 "/%" PRId64 "/%" PRId64 "/", l->max_batch_inflight_per_stream,
               l->max_batch_inflight_total, l->max_batch_msgs);
    duration_append(out, l->batch_timeout_ns);
    buf_append_char(out, '}');
}

static const struct facet facets[] = {
    { "Username", true, write_username }, { "Password", true, write_password },
    { "Authorization", true, write_token }, { "AuthTimeout", true, write_auth_timeout },
    { "Users", true, write_users }, { "Nkeys", true, write_nkeys },
    { "Accounts", true, write_accounts }, { "TLSConfig", true, write_tls },
    { "TLSTimeout", true, write_tls_timeout }, { "TLSPinnedCerts", true, write_tls_pinned },
    { "TLSHandshakeFirst", true, write_tls_first },
    { "TLSHandshakeFirstFallback", true, write_tls_first_fallback },
    { "TLSMap", false, write_tls_map }, { "TLSRateLimit", false, write_tls_rate },
    { "Tags", true, write_tags }, { "Metadata", true, write_metadata },
    { "WriteTimeout", false, write_write_timeout }, { "Websocket", false, write_websocket },
    { "WebsocketTLS", true, write_websocket_tls },
    { "NoJetStreamStrict", false, write_not_strict }, { "JetStreamKey", false, write_key },
    { "JetStreamOldKey", false, write_old_key }, { "JetStreamCipher", false, write_cipher },
    { "JetStreamLimits", true, write_jetstream_limits },
    { "SyncAlways", false, write_sync_always },
};

/* The member of a plain row; false when the row has none. */
static bool write_member(struct buf *out, const struct option_row *row, const struct options *o)
{
    const char *member = (const char *)o + row->offset;
    const char *text;

    switch (row->type) {
    case OPTION_BOOL:
        buf_append_text(out, *(const bool *)(const void *)member ? "true" : "false");
        return true;
    case OPTION_INT: buf_printf(out, "%d", *(const int *)(const void *)member); return true;
    case OPTION_INT64:
        buf_printf(out, "%" PRId64, *(const int64_t *)(const void *)member);
        return true;
    case OPTION_DURATION: duration_append(out, *(const int64_t *)(const void *)member); return true;
    case OPTION_TEXT:
        text = *(char *const *)(const void *)member;
        if (text != NULL) buf_append_text(out, text);
        return true;
    case OPTION_GROUP:
    case OPTION_BLOCK:
    case OPTION_FLAG:
    case OPTION_UNSUPPORTED_KEYS:
    case OPTION_UNSUPPORTED_FLAGS: break;
    }
    return false;
}

static struct config_change *add_change(struct config_diff *d, const char *name, bool reloadable,
                                        char *old_text, char *new_text)
{
    d->items = mem_resize(d->items, (d->count + 1) * sizeof *d->items);
    d->items[d->count] = (struct config_change){ name, reloadable, NULL, old_text, new_text };
    return &d->items[d->count++];
}

static bool is_user(const struct options *o, const char *name)
{
    for (size_t i = 0; i < o->user_count; i++)
        if (o->users[i].name != NULL && strcmp(o->users[i].name, name) == 0) return true;
    return false;
}

/* Rows whose answer depends on the values. */
static bool is_reloadable(const struct option_row *row, const struct options *from,
                          const struct options *to)
{
    if (strcmp(row->name, "NoAuthUser") == 0)   /* it may only go, together with its user */
        return is_set(from->no_auth_user) && !is_set(to->no_auth_user) &&
               !is_user(to, from->no_auth_user);
    if (strcmp(row->name, "SystemAccount") == 0)
        return is_set(from->system_account) && strcmp(from->system_account, "$SYS") == 0 &&
               !is_set(to->system_account);
    if (strcmp(row->name, "Port") == 0) return to->port == -1;  /* "any" is what it has */
    return row->reload == OPTION_RELOAD;
}

static void diff_row(struct config_diff *d, const struct option_row *row,
                     const struct options *from, const struct options *to)
{
    struct buf old_text = { 0 }, new_text = { 0 };
    enum jetstream_change judged;
    const char *refusal = NULL;

    if (row->reload == OPTION_IGNORED || !write_member(&old_text, row, from)) return;
    (void)write_member(&new_text, row, to);
    judged = jetstream_change_judge(row->name, from, to, &refusal);
    if (span_equal(buf_span(&old_text), buf_span(&new_text)) ||
        judged == JETSTREAM_CHANGE_NO_MATTER) {
        buf_free(&old_text);
        buf_free(&new_text);
        return;
    }
    add_change(d, row->name, judged == JETSTREAM_CHANGE_ALLOWED || is_reloadable(row, from, to),
               buf_take(&old_text), buf_take(&new_text))->refusal = refusal;
}

static char *facet_text(const struct facet *f, const struct options *o, bool secrets)
{
    struct buf text = { 0 };

    f->write(&text, o, secrets);
    return buf_take(&text);
}

static void diff_facet(struct config_diff *d, const struct facet *f, const struct options *from,
                       const struct options *to)
{
    char *old_text = facet_text(f, from, true), *new_text = facet_text(f, to, true);

    if (strcmp(old_text, new_text) != 0)
        (void)add_change(d, f->name, f->reloadable, facet_text(f, from, false),
                         facet_text(f, to, false));
    mem_wipe(old_text, strlen(old_text));
    mem_wipe(new_text, strlen(new_text));
    mem_free(old_text);
    mem_free(new_text);
}

void config_diff_init(struct config_diff *d, const struct options *from, const struct options *to)
{
    *d = (struct config_diff){ 0 };
    for (size_t i = 0; i < option_row_count; i++) diff_row(d, &option_rows[i], from, to);
    for (size_t i = 0; i < COUNT_OF(facets); i++) diff_facet(d, &facets[i], from, to);
}

void config_diff_fini(struct config_diff *d)
{
    for (size_t i = 0; i < d->count; i++) {
        mem_free(d->items[i].old_text);
        mem_free(d->items[i].new_text);
    }
    mem_free(d->items);
    *d = (struct config_diff){ 0 };
}

bool config_diff_has(const struct config_diff *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->items[i].name, name) == 0) return true;
    return false;
}

enum status config_diff_check(const struct config_diff *d, struct error *why)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct config_change *c = &d->items[i];
        if (c->reloadable) continue;
        if (c->refusal != NULL)
            return error_set(why, ST_UNSUPPORTED, "config reload not supported for %s",
                             c->refusal);
        return error_set(why, ST_UNSUPPORTED, "config reload not supported for %s: old=%s, "
                         "new=%s", c->name, c->old_text, c->new_text);
    }
    return ST_OK;
}

void options_describe(struct buf *out, const struct options *o)
{
    for (size_t i = 0; i < option_row_count; i++) {
        size_t start = out->len;
        buf_printf(out, "%s: ", option_rows[i].name);
        if (write_member(out, &option_rows[i], o)) buf_append_char(out, '\n');
        else out->len = start;
    }
    for (size_t i = 0; i < COUNT_OF(facets); i++) {
        buf_printf(out, "%s: ", facets[i].name);
        facets[i].write(out, o, false);
        buf_append_char(out, '\n');
    }
}
