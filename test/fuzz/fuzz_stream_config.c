/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_stream_config.c - requests to create and to update a stream: any bytes. What is accepted
 * must be written so that it reads as the same and is accepted again. */
#include <jansson.h>

#include "base/assert.h"
#include "jetstream/json_in.h"
#include "jetstream/stream_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum js_err read(struct stream_config *c, struct span text,
                        struct stream_config_rules *rules, struct js_error *e)
{
    struct error why;
    json_t *tree = json_in_parse(text, &why);
    enum js_err err;

    *c = (struct stream_config){ 0 };
    if (tree == NULL) return js_error_set_arg(e, JS_ERR_INVALID_JSON, why.text);
    rules->pedantic = stream_config_is_pedantic(tree);
    err = stream_config_parse(c, tree, rules, e);
    json_decref(tree);
    return err;
}

static void check_again(const struct stream_config *c, struct stream_config_rules *rules)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);
    struct stream_config again, copy;
    struct js_error e;

    stream_config_write(c, &w, NULL);
    assert(read(&again, buf_span(&out), rules, &e) == JS_OK);
    assert(stream_config_equal(c, &again));
    assert(stream_config_check(&again, rules, &e) == JS_OK);
    /* A republish to where a transform without destination goes is completed once more. */
    if (c->republish == NULL || c->republish->source != NULL)
        assert(stream_config_equal(c, &again));
    stream_config_copy(&copy, &again);
    assert(stream_config_equal(&again, &copy));
    stream_config_check_update(c, &copy, rules, &e);
    stream_config_free(&again);
    stream_config_free(&copy);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct stream_config_rules rules = { .strict = size % 2 == 0 };
    struct stream_config c;
    struct js_error e;

    if (read(&c, in, &rules, &e) == JS_OK) {
        stream_config_set_static(&c);
        if (stream_config_check(&c, &rules, &e) == JS_OK) check_again(&c, &rules);
        stream_config_check_new(&c, &e);
        stream_config_check_filters(&c, &e);
    }
    stream_config_free(&c);
    return 0;
}
