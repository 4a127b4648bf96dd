/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_consumer_config.c - requests to create a consumer: any bytes. What is accepted must be
 * written so that it reads as the same and is accepted again. */
#include <jansson.h>

#include "base/assert.h"
#include "base/mem.h"
#include "jetstream/consumer_config.h"
#include "jetstream/json_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum js_err read(struct consumer_config *c, struct span text,
                        const struct stream_config_rules *rules, struct js_error *e)
{
    struct error why;
    json_t *tree = json_in_parse(text, &why);
    enum js_err err;

    *c = (struct consumer_config){ 0 };
    if (tree == NULL) return js_error_set_arg(e, JS_ERR_INVALID_JSON, why.text);
    err = consumer_config_parse(c, tree, rules, e);
    json_decref(tree);
    return err;
}

static void check_again(const struct consumer_config *c, const struct stream_config *stream,
                        const struct stream_config_rules *rules)
{
    struct buf out = { 0 };
    struct jsonw w = jsonw_start(&out);
    struct consumer_config again, copy;
    struct js_error e;

    consumer_config_write(c, &w, NULL);
    assert(read(&again, buf_span(&out), rules, &e) == JS_OK);
    assert(consumer_config_check(&again, stream, rules, &e) == JS_OK);
    assert(consumer_config_equal(c, &again));
    consumer_config_copy(&copy, &again);
    assert(consumer_config_check_update(c, &copy, &e) == JS_OK);
    consumer_config_free(&again);
    consumer_config_free(&copy);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *subjects[] = { (char[]){ "s.>" } };
    struct stream_config stream = { .replicas = 1, .subjects = { subjects, 1 },
                                    .retention = (enum js_retention)(size % 3) };
    struct stream_config_rules rules = { .strict = size % 2 == 0, .pedantic = size % 5 == 0 };
    struct consumer_config c;
    struct js_error e;

    if (read(&c, span_make((const char *)data, size), &rules, &e) == JS_OK) {
        struct span *filters = mem_alloc((c.filter_subjects.count + 1) * sizeof *filters);
        consumer_config_filters(&c, filters);
        mem_free(filters);
        consumer_config_set_static(&c);
        if (consumer_config_check(&c, &stream, &rules, &e) == JS_OK)
            check_again(&c, &stream, &rules);
    }
    consumer_config_free(&c);
    return 0;
}
