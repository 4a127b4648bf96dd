/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - the configuration language, in a world of one file and one variable, and every
 * reader of options on what comes out of it. */
#include "base/assert.h"
#include "base/mem.h"
#include "config/conf.h"
#include "config/option_reader.h"
#include "config/options_check.h"
#include "config/options_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is included is the input itself. */
static enum status read_self(void *context, const char *path, size_t bytes_max, struct buf *out,
                             struct error *why)
{
    const struct span *self = context;

    (void)path;
    if (self->len > bytes_max) return error_set(why, ST_LIMIT, "too large");
    buf_append_span(out, *self);
    return ST_OK;
}

static const char *one_variable(void *context, const char *name)
{
    (void)context;
    return name[0] == 'E' ? "[x, {y: $E}]" : NULL;
}

static void read_options(const struct conf *c)
{
    struct config_messages msgs = { 0 };
    struct option_reader r = { .o = options_new(), .msgs = &msgs };
    struct config_diff d;
    struct error why;

    options_read(&r, &c->root);
    if (msgs.errors.len == 0) {
        options_complete(r.o);
        if (options_check(r.o, &why) == ST_OK) options_warn(r.o, &msgs.warnings);
        config_diff_init(&d, r.o, r.o);
        assert(d.count == 0);
        config_diff_fini(&d);
    }
    map_free(&r.names);
    options_free(&r.o);
    config_messages_free(&msgs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_make((const char *)data, size);
    struct conf_world world = { read_self, one_variable, &in };
    struct conf *c = NULL;
    struct error why = { "" };
    char digest[72];

    if (conf_parse_text(&world, in, &c, &why) != ST_OK) {
        assert(why.text[0] != '\0');
        return 0;
    }
    conf_digest(c, digest);
    assert(digest[71] == '\0');
    read_options(c);
    conf_free(c);
    return 0;
}
