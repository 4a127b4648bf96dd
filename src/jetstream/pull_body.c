/* SPDX-License-Identifier: Apache-2.0 */
/* pull_body.c - what a pull request says: nothing, a number, or an object. */
#include <jansson.h>

#include "base/mem.h"
#include "jetstream/consumer_priv.h"
#include "jetstream/json_in.h"

#define AT(field) offsetof(struct pull_body, field)

static const struct json_in_field fields[] = {
    { "expires", JSON_IN_INT64, AT(expires_ns), "time.Duration", NULL, NULL, 0 },
    { "batch", JSON_IN_INT64, AT(batch), "int", NULL, NULL, 0 },
    { "max_bytes", JSON_IN_INT64, AT(max_bytes), "int", NULL, NULL, 0 },
    { "no_wait", JSON_IN_BOOL, AT(no_wait), NULL, NULL, NULL, 0 },
    { "idle_heartbeat", JSON_IN_INT64, AT(heartbeat_ns), "time.Duration", NULL, NULL, 0 },
    { "group", JSON_IN_TEXT, AT(group), NULL, NULL, NULL, 0 },
    { "min_pending", JSON_IN_INT64, AT(min_pending), "int64", NULL, NULL, 0 },
    { "min_ack_pending", JSON_IN_INT64, AT(min_ack_pending), "int64", NULL, NULL, 0 },
    { "id", JSON_IN_TEXT, AT(id), NULL, NULL, NULL, 0 },
    { "priority", JSON_IN_INT64, AT(priority), "int", NULL, NULL, 0 },
};
static const struct json_in_type type = { "server.JSApiConsumerGetNextRequest", fields,
                                          COUNT_OF(fields) };

/* As Go's json.Unmarshal words it: without a place, and with a text of its own for the end. */
static void put_plain(struct buf *out, const char *text)
{
    static const char place[] = " at offset ";
    const char *at = strstr(text, place);

    if (strcmp(text, "unexpected EOF") == 0)
        buf_append_text(out, "unexpected end of JSON input");
    else if (at && strspn(at + sizeof place - 1, "0123456789") == strlen(at + sizeof place - 1))
        buf_append(out, text, (size_t)(at - text));
    else
        buf_append_text(out, text);
}

static bool read_object(struct pull_body *b, struct span text, struct buf *why)
{
    struct error e;
    struct json_in in;
    json_t *tree = json_in_parse(text, &e);
    const char *wrong;

    if (tree == NULL) {
        put_plain(why, e.text);
        return false;
    }
    json_in_init(&in, false, "");
    json_in_object(&in, tree, &type, b);
    wrong = json_in_error(&in);
    if (wrong) buf_append_text(why, wrong);
    json_in_fini(&in);
    json_decref(tree);
    return wrong == NULL;
}

bool pull_body_read(struct pull_body *b, struct span text, struct buf *why)
{
    int64_t n;

    *b = (struct pull_body){ .batch = 1 };
    text = span_trim(text);
    if (text.len == 0) return true;
    if (text.p[0] != '{') {
        if (span_to_i64(text, &n)) b->batch = n;
        return true;
    }
    b->batch = 0;
    b->has_group = true;
    if (!read_object(b, text, why)) return false;
    if (b->heartbeat_ns <= 0) {
        b->heartbeat_ns = 0;
        return true;
    }
    if (b->expires_ns >= b->heartbeat_ns && b->expires_ns - b->heartbeat_ns >= b->heartbeat_ns)
        return true;
    buf_append_text(why, "heartbeat value too large");
    return false;
}

void pull_body_free(struct pull_body *b)
{
    mem_free(b->group);
    mem_free(b->id);
    *b = (struct pull_body){ 0 };
}
