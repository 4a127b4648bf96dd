/* SPDX-License-Identifier: Apache-2.0 */
/* counter.c - sums of decimal numbers by OpenSSL's big numbers, and where they come from. */
#include "jetstream/counter.h"

#include <jansson.h>
#include <openssl/bn.h>

#include "base/mem.h"
#include "jetstream/json_in.h"
#include "jetstream/stream.h"
#include "proto/header.h"

#define DIGITS_MAX 4096                 /* of a number; longer ones are refused */

/* text as Go's big.Int reads it: an optional sign and digits. NULL: not a number. */
static BIGNUM *parse(struct span text)
{
    char digits[DIGITS_MAX + 2];
    BIGNUM *n = NULL;
    size_t start = text.len && (text.p[0] == '+' || text.p[0] == '-');

    if (text.len == start || text.len > DIGITS_MAX) return NULL;
    for (size_t i = start; i < text.len; i++)
        if (text.p[i] < '0' || text.p[i] > '9') return NULL;
    memcpy(digits, text.p, text.len);
    digits[text.len] = '\0';
    if (BN_dec2bn(&n, digits[0] == '+' ? digits + 1 : digits) == 0) return NULL;
    return n;
}

bool counter_check(struct ingest *in)
{
    const struct pub_headers *h = &in->headers;
    BIGNUM *n;

    if (h->incr.len == 0) return true;
    n = parse(h->incr);
    if (n == NULL) return ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_INVALID);
    BN_free(n);
    if (in->copied) return true;
    if (!in->stream->config.allow_msg_counter)
        return ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_DISABLED);
    if (in->body.len) return ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_PAYLOAD);
    if (h->rollup.len || h->expected_stream.len || h->expected_last_msg_id.len ||
        h->expected_last_subject.len || h->expected_last_seq.len ||
        h->expected_last_subject_seq.len)
        return ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_INVALID);
    return true;
}

/* The number in a stored body {"val":"n"}; NULL: it is none. */
static BIGNUM *value_of(struct span body)
{
    struct error why;
    json_t *tree = json_in_parse(body, &why);
    const char *text = json_string_value(json_object_get(tree, "val"));
    BIGNUM *n = text ? parse(span_of(text)) : NULL;

    json_decref(tree);
    return n;
}

/* Makes {"val":"sum"} of before (NULL: nothing) and by. False: the next step could not read it. */
static bool put_sum(struct ingest *in, const BIGNUM *before, BIGNUM *by)
{
    char *text;

    if (before) BN_add(by, by, before);
    text = BN_bn2dec(by);
    if (strlen(text) > DIGITS_MAX) {
        OPENSSL_free(text);
        return false;
    }
    in->new_body.len = 0;
    buf_printf(&in->new_body, "{\"val\":\"%s\"}", text);
    in->body = buf_span(&in->new_body);
    in->counter_value = span_make(in->body.p + 8, strlen(text));
    OPENSSL_free(text);
    return true;
}

/* ---- counters of other streams ---- */

static int append_json(const char *text, size_t len, void *out)
{
    buf_append(out, text, len);
    return 0;
}

/* Remember in sources how high the counter stands in its origin; *was: how high it stood. */
static void note_source(json_t *sources, const char *stream, const char *subject,
                        const char *value, BIGNUM **was)
{
    json_t *of = json_object_get(sources, stream);
    const char *before;

    if (!json_is_object(of)) {
        of = json_object();
        json_object_set_new(sources, stream, of);
    }
    before = json_string_value(json_object_get(of, subject));
    *was = before ? parse(span_of(before)) : NULL;
    json_object_set_new(of, subject, json_string(value));
}

/* Stream and subject that a copied message comes from, NUL-terminated in out. */
static bool find_origin(const struct ingest *in, struct buf *out, const char **stream,
                        const char **subject)
{
    struct span value, rest;
    size_t at = 0, fields = 0, subject_at;

    if (!header_find(in->header, SPAN_LIT("Nats-Stream-Source"), &value)) return false;
    while (at < value.len && value.p[at] != ' ') at++;
    buf_append(out, value.p, at);
    buf_append_char(out, '\0');
    subject_at = out->len;
    for (rest = value; rest.len && fields < 4; rest = span_from(rest, 1))
        fields += rest.p[0] == ' ';
    for (at = 0; at < rest.len && rest.p[at] != ' '; at++) {}
    buf_append_span(out, fields == 4 ? span_make(rest.p, at) : in->subject);
    buf_append_char(out, '\0');
    *stream = out->p;
    *subject = out->p + subject_at;
    return true;
}

/* The sum of a copied message counts, not its step: messages may be missing in between. Changes
 * Nats-Incr to the step since the last one and notes the sum in Nats-Counter-Sources. NULL: not a
 * counter's message. */
static BIGNUM *step_of_copied(struct ingest *in, struct span sources_text)
{
    const char *stream, *subject;
    BIGNUM *sum = value_of(in->body), *was = NULL;
    struct buf names = { 0 }, text = { 0 };
    struct error why;
    json_t *sources = sources_text.len ? json_in_parse(sources_text, &why) : json_object();
    char *number = sum ? BN_bn2dec(sum) : NULL;

    if (sum && json_is_object(sources) && find_origin(in, &names, &stream, &subject)) {
        note_source(sources, stream, subject, number, &was);
        if (was) BN_sub(sum, sum, was);
        OPENSSL_free(number);
        number = BN_bn2dec(sum);
        ingest_replace_header(in, SPAN_LIT("Nats-Incr"), span_of(number));
        json_dump_callback(sources, append_json, &text, JSON_COMPACT | JSON_SORT_KEYS);
        ingest_replace_header(in, SPAN_LIT("Nats-Counter-Sources"), buf_span(&text));
    } else {
        BN_free(sum);
        sum = NULL;
    }
    OPENSSL_free(number);
    BN_free(was);
    buf_free(&names);
    buf_free(&text);
    json_decref(sources);
    return sum;
}

/* ---- applying ---- */

/* Add to what stands in the last message of the subject, if there is one. */
static enum ingest_result apply(struct ingest *in, const struct store_record *last)
{
    struct pub_headers h = { .any = false };
    BIGNUM *before = NULL, *by = NULL;
    bool good;

    if (last) {
        before = value_of(last->body);
        if (last->header.len) pub_headers_scan(last->header, &h);
    }
    if (last == NULL || before)
        by = in->copied ? step_of_copied(in, h.counter_sources) : parse(in->headers.incr);
    if (by == NULL) {
        BN_free(before);
        ingest_refuse_with(in, JS_ERR_MESSAGE_COUNTER_BROKEN);
        return INGEST_REFUSED;
    }
    good = put_sum(in, before, by);
    BN_free(before);
    BN_free(by);
    if (!good) {
        ingest_refuse_with(in, JS_ERR_MESSAGE_INCR_INVALID);
        return INGEST_REFUSED;
    }
    if (!in->copied && h.counter_sources.len)
        ingest_set_header(in, SPAN_LIT("Nats-Counter-Sources"), h.counter_sources);
    return INGEST_DONE;
}

enum ingest_result counter_apply(struct ingest *in)
{
    struct stream *s = in->stream;
    uint64_t last = stream_last_of(s, in->subject);
    struct store_record r;
    enum status st;

    if (last == 0) return apply(in, NULL);
    st = stream_read(s, last, &r, NULL);
    if (st == ST_AGAIN) {
        s->log->ops->read_ahead(s->log, msgs_get(s->msgs, last)->loc);
        return INGEST_LATER;
    }
    if (st != ST_OK) {
        ingest_refuse_with(in, JS_ERR_MESSAGE_COUNTER_BROKEN);
        return INGEST_REFUSED;
    }
    return apply(in, &r);
}
