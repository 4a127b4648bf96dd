/* SPDX-License-Identifier: Apache-2.0 */
/* counter.c - sums of decimal numbers by OpenSSL's big numbers. */
#include "jetstream/counter.h"

#include <jansson.h>
#include <openssl/bn.h>

#include "base/mem.h"
#include "jetstream/json_in.h"
#include "jetstream/stream.h"

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

static void put_sum(struct ingest *in, const BIGNUM *before)
{
    BIGNUM *n = parse(in->headers.incr);
    char *text;

    if (before) BN_add(n, n, before);
    text = BN_bn2dec(n);
    in->new_body.len = 0;
    buf_printf(&in->new_body, "{\"val\":\"%s\"}", text);
    in->body = buf_span(&in->new_body);
    in->counter_value = span_make(in->body.p + 8, strlen(text));
    OPENSSL_free(text);
    BN_free(n);
}

enum ingest_result counter_apply(struct ingest *in)
{
    struct stream *s = in->stream;
    uint64_t last = stream_last_of(s, in->subject);
    struct store_record r;
    struct pub_headers h;
    BIGNUM *before;
    enum status st;

    if (last == 0) {
        put_sum(in, NULL);
        return INGEST_DONE;
    }
    st = stream_read(s, last, &r, NULL);
    if (st == ST_AGAIN) {
        s->log->ops->read_ahead(s->log, msgs_get(s->msgs, last)->loc);
        return INGEST_LATER;
    }
    before = st == ST_OK ? value_of(r.body) : NULL;
    if (before == NULL) {
        ingest_refuse_with(in, JS_ERR_MESSAGE_COUNTER_BROKEN);
        return INGEST_REFUSED;
    }
    put_sum(in, before);
    BN_free(before);
    if (r.header.len) {
        pub_headers_scan(r.header, &h);
        if (h.counter_sources.len)
            ingest_set_header(in, SPAN_LIT("Nats-Counter-Sources"), h.counter_sources);
    }
    return INGEST_DONE;
}
