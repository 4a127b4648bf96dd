/* SPDX-License-Identifier: Apache-2.0 */
/* options_jetstream.c - jetstream {} of the server and of accounts, and store_dir. */
#include "config/options_jetstream.h"

#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"
#include "config/option_table.h"

#define CONCURRENT_IO_MIN 4
#define CONCURRENT_IO_MAX 8192

static const struct jetstream_account_limits no_limits = JETSTREAM_ACCOUNT_LIMITS_NONE;

enum member_kind {
    MEMBER_BOOL, MEMBER_TEXT,
    MEMBER_COUNT,               /* an integer; below zero is zero: no limit */
    MEMBER_NUMBER,              /* the same, with the usual message for other types */
    MEMBER_SIZE,                /* bytes, as an integer or a text with suffix */
    MEMBER_DURATION,            /* a text; below zero is zero */
    MEMBER_LIMIT,               /* an integer that an account is held to; below zero is -1 */
};

/* A key of one of the maps and where its value goes. */
struct member {
    const char *keys;           /* alternatives, separated by commas */
    enum member_kind kind;
    size_t offset;
    const char *label;          /* in messages instead of the key; NULL: the key */
};

#define IN_JETSTREAM(field) offsetof(struct options_jetstream, field)
#define IN_LIMITS(field) offsetof(struct jetstream_limit_options, field)
#define IN_ACCOUNT(field) offsetof(struct jetstream_account_limits, field)

static const struct member server_members[] = {
    { "max_memory_store,max_mem_store,max_mem", MEMBER_SIZE, IN_JETSTREAM(max_memory),
      "max_mem_store" },
    { "max_file_store,max_file", MEMBER_SIZE, IN_JETSTREAM(max_store), "max_file_store" },
    { "domain", MEMBER_TEXT, IN_JETSTREAM(domain), NULL },
    { "key,ek,encryption_key", MEMBER_TEXT, IN_JETSTREAM(key), NULL },
    { "prev_key,prev_ek,prev_encryption_key", MEMBER_TEXT, IN_JETSTREAM(prev_key), NULL },
    { "extension_hint", MEMBER_TEXT, IN_JETSTREAM(extension_hint), NULL },
    { "max_outstanding_catchup", MEMBER_SIZE, IN_JETSTREAM(max_outstanding_catchup), NULL },
    { "max_buffered_size", MEMBER_SIZE, IN_JETSTREAM(max_buffered_size), NULL },
    { "max_buffered_msgs", MEMBER_COUNT, IN_JETSTREAM(max_buffered_msgs), NULL },
    { "request_queue_limit", MEMBER_COUNT, IN_JETSTREAM(request_queue_limit), NULL },
    { "info_queue_limit", MEMBER_COUNT, IN_JETSTREAM(info_queue_limit), NULL },
    { "meta_compact_sync", MEMBER_BOOL, IN_JETSTREAM(meta_compact_sync), NULL },
};

static const struct member limit_members[] = {
    { "max_ack_pending", MEMBER_NUMBER, IN_LIMITS(max_ack_pending), NULL },
    { "max_ha_assets", MEMBER_NUMBER, IN_LIMITS(max_ha_assets), NULL },
    { "max_request_batch", MEMBER_NUMBER, IN_LIMITS(max_request_batch), NULL },
    { "duplicate_window", MEMBER_DURATION, IN_LIMITS(duplicate_window_ns), NULL },
};

static const struct member batch_members[] = {
    { "max_inflight_per_stream", MEMBER_NUMBER, IN_LIMITS(max_batch_inflight_per_stream), NULL },
    { "max_inflight_total", MEMBER_NUMBER, IN_LIMITS(max_batch_inflight_total), NULL },
    { "max_msgs", MEMBER_NUMBER, IN_LIMITS(max_batch_msgs), NULL },
    { "timeout", MEMBER_DURATION, IN_LIMITS(batch_timeout_ns), NULL },
};

static const struct member account_members[] = {
    { "max_memory,max_mem,mem,memory", MEMBER_LIMIT, IN_ACCOUNT(max_memory), NULL },
    { "max_store,max_file,max_disk,store,disk", MEMBER_LIMIT, IN_ACCOUNT(max_store), NULL },
    { "max_streams,streams", MEMBER_LIMIT, IN_ACCOUNT(max_streams), NULL },
    { "max_consumers,consumers", MEMBER_LIMIT, IN_ACCOUNT(max_consumers), NULL },
    { "max_bytes_required,max_stream_bytes,max_bytes", MEMBER_BOOL, IN_ACCOUNT(max_bytes_required),
      "bool" },
    { "mem_max_stream_bytes,memory_max_stream_bytes", MEMBER_LIMIT,
      IN_ACCOUNT(memory_max_stream_bytes), NULL },
    { "disk_max_stream_bytes,store_max_stream_bytes", MEMBER_LIMIT,
      IN_ACCOUNT(store_max_stream_bytes), NULL },
    { "max_ack_pending", MEMBER_LIMIT, IN_ACCOUNT(max_ack_pending), NULL },
};

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* ---- values ---- */

/* An error of before, the quoted key, between and the value. */
static void error_value(struct option_reader *r, const struct conf_item *item, const char *before,
                        const char *between)
{
    const struct conf_value *v = &item->value;
    struct buf text = { 0 };

    buf_append_text(&text, before);
    buf_append_quoted(&text, item->key);
    buf_append_text(&text, between);
    switch (v->type) {
    case CONF_BOOL: buf_append_text(&text, v->boolean ? "true" : "false"); break;
    case CONF_INTEGER: buf_printf(&text, "%" PRId64, v->integer); break;
    case CONF_STRING:
    case CONF_FLOAT:
    case CONF_TIME: buf_append_span(&text, v->text); break;
    case CONF_ARRAY:
    case CONF_MAP: buf_append_text(&text, conf_type_text(v->type)); break;
    }
    option_error(r, v, "%s", buf_text(&text));
    buf_free(&text);
}

static bool read_integer(struct option_reader *r, const struct conf_item *item, int64_t *out)
{
    if (item->value.type == CONF_INTEGER) {
        *out = item->value.integer;
        return true;
    }
    error_value(r, item, "Expected a parseable size for ", ", got ");
    return false;
}

/* Power of two that suffix stands for; 0: none. */
static unsigned suffix_shift(char suffix)
{
    switch (suffix) {
    case 'K': return 10;
    case 'M': return 20;
    case 'G': return 30;
    case 'T': return 40;
    default: return 0;
    }
}

/* Digits with an optional sign, as Go's ParseInt takes them. */
static bool is_number(struct span s)
{
    if (s.len > 0 && (s.p[0] == '-' || s.p[0] == '+')) s = span_from(s, 1);
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return s.len > 0;
}

static bool read_size(struct option_reader *r, const struct conf_item *item, const char *name,
                      int64_t *out)
{
    const struct conf_value *v = &item->value;
    struct span digits = v->text;
    struct buf text = { 0 };
    unsigned shift;

    if (v->type == CONF_INTEGER) {
        *out = v->integer;
        return true;
    }
    if (v->type != CONF_STRING) {
        option_error(r, v, "%s must be int64 or string", name);
        return false;
    }
    *out = 0;
    if (digits.len == 0) return true;
    shift = suffix_shift(digits.p[digits.len - 1]);
    digits.len--;
    if (!is_number(digits)) {
        buf_printf(&text, "%s strconv.ParseInt: parsing ", name);
        option_error_named(r, v, buf_text(&text), digits, ": invalid syntax");
    } else if (shift == 0) {
        option_error(r, v, "%s sizes defined as strings must end in K, M, G, T", name);
    } else if (!span_to_i64(span_from(digits, digits.p[0] == '+'), out) ||
               __builtin_mul_overflow(*out, INT64_C(1) << shift, out)) {
        option_error(r, v, "%s is out of the range of sizes: %.*s", name, SPAN_ARG(v->text));
    } else {
        return true;
    }
    buf_free(&text);
    return false;
}

static bool read_duration(struct option_reader *r, const struct conf_item *item, int64_t *out)
{
    char *text = NULL;          /* a text and nothing else, without the warning for seconds */
    bool ok = option_text(r, item, &text);

    if (ok && duration_parse(item->value.text, out) != ST_OK) {
        option_bad_duration(r, &item->value, "", item->value.text);
        ok = false;
    }
    mem_free(text);
    return ok;
}

static int64_t at_least(int64_t n, int64_t low)
{
    return n < low ? low : n;
}

static void read_member(struct option_reader *r, const struct conf_item *item,
                        const struct member *m, void *out)
{
    char *field = (char *)out + m->offset;
    int64_t *number = (int64_t *)(void *)field, n;
    struct buf key = { 0 };

    switch (m->kind) {
    case MEMBER_TEXT: (void)option_text(r, item, (char **)(void *)field); break;
    case MEMBER_BOOL:
        if (m->label == NULL) (void)option_bool(r, item, (bool *)(void *)field);
        else if (item->value.type == CONF_BOOL) *(bool *)(void *)field = item->value.boolean;
        else error_value(r, item, "Expected a parseable bool for ", ", got ");
        break;
    case MEMBER_COUNT:
        if (read_integer(r, item, &n)) *number = at_least(n, 0);
        break;
    case MEMBER_NUMBER:
        if (option_integer(r, item, INT64_MIN, INT64_MAX, &n)) *number = at_least(n, 0);
        break;
    case MEMBER_LIMIT:
        if (read_integer(r, item, &n)) *number = at_least(n, -1);
        break;
    case MEMBER_DURATION:
        if (read_duration(r, item, &n)) *number = at_least(n, 0);
        break;
    case MEMBER_SIZE:
        for (size_t i = 0; i < item->key.len; i++)
            buf_append_char(&key, (char)tolower((unsigned char)item->key.p[i]));
        if (read_size(r, item, m->label != NULL ? m->label : buf_text(&key), &n))
            *number = at_least(n, m->label != NULL ? -1 : 0);
        break;
    }
    buf_free(&key);
}

/* Whether item is one of the members; its value is in out then, or told to be wrong. */
static bool take_member(struct option_reader *r, const struct conf_item *item,
                        const struct member *members, size_t count, void *out)
{
    for (size_t i = 0; i < count; i++) {
        if (!option_has_name(members[i].keys, item->key, true)) continue;
        read_member(r, item, &members[i], out);
        return true;
    }
    return false;
}

/* "enabled" or "disabled" in a string; false after an error. */
static bool read_switch(struct option_reader *r, const struct conf_value *v, bool *out)
{
    bool on = span_equal_nocase(v->text, SPAN_LIT("enabled")) ||
              span_equal_nocase(v->text, SPAN_LIT("enable"));
    bool off = span_equal_nocase(v->text, SPAN_LIT("disabled")) ||
               span_equal_nocase(v->text, SPAN_LIT("disable"));

    if (on || off) *out = on;
    else option_error(r, v, "Expected 'enabled' or 'disabled' for string value, got '%.*s'",
                      SPAN_ARG(v->text));
    return on || off;
}

/* ---- the server ---- */

static void read_store_dir(struct option_reader *r, const struct conf_item *item)
{
    if (is_set(r->o->jetstream.store_dir))
        option_error(r, &item->value, "Duplicate 'store_dir' configuration");
    else
        (void)option_text(r, item, &r->o->jetstream.store_dir);
}

void parse_store_dir(struct option_reader *r, const struct conf_value *v)
{
    struct conf_item item = { SPAN_LIT("store_dir"), *v };

    read_store_dir(r, &item);
}

static void read_strict(struct option_reader *r, const struct conf_item *item)
{
    const struct conf_value *v = &item->value;

    if (v->type == CONF_BOOL)
        r->o->jetstream.strict = v->boolean;
    else if (v->type == CONF_STRING)
        option_error(r, v, "Expected 'true' or 'false' for bool value, got '%.*s'",
                     SPAN_ARG(v->text));
    else
        option_error(r, v, "\"strict\" must be a boolean, not %s", conf_type_text(v->type));
}

/* Once "always" is said, an interval under the other name changes nothing. */
static void read_sync(struct option_reader *r, const struct conf_item *item)
{
    struct options_jetstream *o = &r->o->jetstream;
    int64_t ns;

    if (item->value.type == CONF_STRING &&
        span_equal_nocase(item->value.text, SPAN_LIT("always"))) {
        o->sync = JETSTREAM_SYNC_ALWAYS;
        return;
    }
    if (!option_duration(r, item, &ns)) return;
    if (ns < 0) {
        option_error(r, &item->value, "%.*s can not be negative", SPAN_ARG(item->key));
        return;
    }
    if (o->sync == JETSTREAM_SYNC_ALWAYS) return;
    o->sync = JETSTREAM_SYNC_INTERVAL;
    if (ns > 0) o->sync_interval_ns = ns;       /* "0s" is the peer's default interval */
}

static void read_cipher(struct option_reader *r, const struct conf_item *item)
{
    char *name = NULL;

    if (!option_text(r, item, &name)) return;
    if (strcasecmp(name, "chacha") == 0 || strcasecmp(name, "chachapoly") == 0)
        r->o->jetstream.cipher = JETSTREAM_CIPHER_CHACHA;
    else if (strcasecmp(name, "aes") == 0)
        r->o->jetstream.cipher = JETSTREAM_CIPHER_AES;
    else
        option_error_named(r, &item->value, "Unknown cipher type: ", span_of(name), "");
    mem_free(name);
}

static void read_unique_tag(struct option_reader *r, const struct conf_item *item)
{
    struct options_jetstream *o = &r->o->jetstream;

    if (!option_text(r, item, &o->unique_tag)) return;
    option_set_text(&o->unique_tag, span_trim(item->value.text));
    for (char *c = o->unique_tag; *c != '\0'; c++) *c = (char)tolower((unsigned char)*c);
}

static void read_limit_map(struct option_reader *r, const struct conf_item *item, bool batch)
{
    const struct member *members = batch ? batch_members : limit_members;
    size_t count = batch ? COUNT_OF(batch_members) : COUNT_OF(limit_members);
    struct jetstream_limit_options *limits = &r->o->jetstream.limits;
    const struct conf_value *v = &item->value;

    if (v->type != CONF_MAP) {
        option_error(r, v, "Expected a map to define %s, got %s",
                     batch ? "batch limits" : "JetStreamLimits", conf_type_go(v->type));
        return;
    }
    for (size_t i = 0; i < v->list->count; i++) {
        const struct conf_item *one = &v->list->items[i];
        if (take_member(r, one, members, count, limits)) continue;
        if (!batch && option_key_is(one, "batch")) read_limit_map(r, one, true);
        else option_unknown(r, one);
    }
}

/* Keys in a trusted platform module are not supported; an empty map asks for none. */
static void read_tpm(struct option_reader *r, const struct conf_item *item)
{
    if (item->value.type != CONF_MAP)
        option_error(r, &item->value, "Expected a map to define JetStreamLimits, got %s",
                     conf_type_go(item->value.type));
    else
        option_unsupported(r, item);
}

static void read_meta_compact(struct option_reader *r, const struct conf_item *item, bool size)
{
    struct options_jetstream *o = &r->o->jetstream;
    int64_t n = item->value.integer;

    if (size && !read_size(r, item, "meta_compact_size", &n)) return;
    if ((!size && item->value.type != CONF_INTEGER) || n < 0)
        error_value(r, item, "Expected an absolute size for ", ", got ");
    else
        *(size ? &o->meta_compact_size : &o->meta_compact) = n;
}

static void read_concurrent_io(struct option_reader *r, const struct conf_item *item)
{
    const struct conf_value *v = &item->value;

    if (v->type != CONF_INTEGER || v->integer < CONCURRENT_IO_MIN ||
        v->integer > CONCURRENT_IO_MAX)
        error_value(r, item, "Expected an absolute size for ", " between 4 and 8192, got ");
    else
        r->o->jetstream.max_concurrent_io = v->integer;
}

static void read_jetstream_item(struct option_reader *r, const struct conf_item *item)
{
    static const struct {
        const char *keys;
        void (*read)(struct option_reader *r, const struct conf_item *item);
    } readers[] = {
        { "strict", read_strict }, { "store,store_dir,storedir", read_store_dir },
        { "sync,sync_interval", read_sync }, { "cipher", read_cipher }, { "tpm", read_tpm },
        { "unique_tag", read_unique_tag }, { "max_concurrent_io", read_concurrent_io },
    };

    for (size_t i = 0; i < COUNT_OF(readers); i++) {
        if (!option_has_name(readers[i].keys, item->key, true)) continue;
        readers[i].read(r, item);
        return;
    }
    if (option_key_is(item, "limits")) {
        r->o->jetstream.limits = (struct jetstream_limit_options){ 0 };
        read_limit_map(r, item, false);
    } else if (option_key_is(item, "meta_compact") || option_key_is(item, "meta_compact_size")) {
        read_meta_compact(r, item, option_key_is(item, "meta_compact_size"));
    } else if (!take_member(r, item, server_members, COUNT_OF(server_members),
                            &r->o->jetstream)) {
        option_unknown(r, item);
    }
}

void parse_jetstream(struct option_reader *r, const struct conf_value *v)
{
    bool on = true;

    switch (v->type) {
    case CONF_BOOL: on = v->boolean; break;
    case CONF_STRING:
        if (!read_switch(r, v, &on)) return;
        break;
    case CONF_MAP:
        for (size_t i = 0; i < v->list->count; i++) {
            const struct conf_item *item = &v->list->items[i];
            if (option_key_is(item, "enable") || option_key_is(item, "enabled"))
                (void)option_bool(r, item, &on);
            else
                read_jetstream_item(r, item);
        }
        break;
    case CONF_INTEGER:
    case CONF_FLOAT:
    case CONF_TIME:
    case CONF_ARRAY:
        option_error(r, v, "Expected map, bool or string to define JetStream, got %s",
                     conf_type_go(v->type));
        return;
    }
    r->o->jetstream.enabled = on;
}

static void free_secret(char *text)
{
    if (text != NULL) mem_wipe(text, strlen(text));
    mem_free(text);
}

void options_jetstream_fini(struct options_jetstream *o)
{
    free_secret(o->key);
    free_secret(o->prev_key);
}

/* ---- accounts ---- */

/* Which account carries the replication of its streams: there is none on one server. */
static void check_cluster_traffic(struct option_reader *r, const struct conf_item *item)
{
    struct span text = item->value.text;

    if (item->value.type != CONF_STRING)
        error_value(r, item, "Expected either 'system' or 'owner' string value for ", ", got ");
    else if (text.len > 0 && !span_is(text, "system") && !span_is(text, "owner"))
        error_value(r, item, "Expected 'system' or 'owner' string value for ", ", got ");
}

void option_account_jetstream(struct option_reader *r, const struct conf_value *v,
                              struct account_options *a)
{
    struct jetstream_account_limits limits = no_limits;
    bool on = true;

    switch (v->type) {
    case CONF_BOOL:
        if (!v->boolean) return;
        break;
    case CONF_STRING:
        if (!read_switch(r, v, &on)) return;
        break;
    case CONF_MAP:
        for (size_t i = 0; i < v->list->count; i++) {
            const struct conf_item *item = &v->list->items[i];
            if (option_key_is(item, "cluster_traffic"))
                check_cluster_traffic(r, item);
            else if (!take_member(r, item, account_members, COUNT_OF(account_members), &limits))
                option_unknown(r, item);
        }
        break;
    case CONF_INTEGER:
    case CONF_FLOAT:
    case CONF_TIME:
    case CONF_ARRAY:
        option_error(r, v, "Expected map, bool or string to define JetStream, got %s",
                     conf_type_go(v->type));
        return;
    }
    a->has_jetstream = on;
    a->jetstream_limits = limits;
}

static bool is_system_account(const struct options *o, const struct account_options *a)
{
    const char *name = is_set(o->system_account) ? o->system_account : "$SYS";

    return strcmp(a->name, name) == 0 || (a->nkey != NULL && strcmp(a->nkey, name) == 0);
}

bool options_jetstream_on_system_account(const struct options *o)
{
    for (size_t i = 0; i < o->account_count; i++)
        if (o->accounts[i].has_jetstream && is_system_account(o, &o->accounts[i])) return true;
    return false;
}

const struct jetstream_account_limits *options_jetstream_of(const struct options *o,
                                                            const char *name)
{
    bool others = false;

    for (size_t i = 0; i < o->account_count; i++) {
        const struct account_options *a = &o->accounts[i];
        if (is_system_account(o, a)) continue;
        others = true;
        if (strcmp(a->name, name) == 0) return a->has_jetstream ? &a->jetstream_limits : NULL;
    }
    return !others && strcmp(name, "$G") == 0 ? &no_limits : NULL;
}
