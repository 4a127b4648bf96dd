/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_context.c - a listener's WebSocket settings in the form that upgrades are judged by.
 *
 * Immutable after websocket_context_new except for the count. */
#include "base/mem.h"
#include "net/websocket_priv.h"

static enum status add_origins(struct websocket_context *ctx, const struct websocket_settings *s,
                               struct error *why)
{
    ctx->origins = mem_zero((s->allowed_origin_count + 1) * sizeof *ctx->origins);
    for (size_t i = 0; i < s->allowed_origin_count; i++) {
        enum status st = websocket_origin_parse(&ctx->origins[i], span_of(s->allowed_origins[i]),
                                                why);
        if (st != ST_OK) return st;
        ctx->rules.origin_count++;
    }
    ctx->rules.origins = ctx->origins;
    return ST_OK;
}

static enum status add_headers(struct websocket_context *ctx, const struct websocket_settings *s,
                               struct error *why)
{
    for (size_t i = 0; i < s->header_count; i++) {
        struct error detail;
        const char *wrong = websocket_check_header(span_of(s->header_names[i]), &detail);
        if (wrong != NULL) return error_set(why, ST_BAD_INPUT, "websocket: %.400s", wrong);
        if (strpbrk(s->header_names[i], ":\r\n") || strpbrk(s->header_values[i], "\r\n"))
            return error_set(why, ST_BAD_INPUT, "websocket: invalid header \"%.100s\": line break "
                             "or colon", s->header_names[i]);
        buf_printf(&ctx->headers, "%s: %s\r\n", s->header_names[i], s->header_values[i]);
    }
    ctx->rules.extra_headers = buf_span(&ctx->headers);
    return ST_OK;
}

static struct span keep_name(struct websocket_context *ctx, size_t index, const char *name)
{
    ctx->cookies[index] = mem_dup(name ? name : "");
    return span_of(ctx->cookies[index]);
}

enum status websocket_context_new(const struct websocket_settings *s, struct tls_context *tls,
                                  struct websocket_context **out, struct error *why)
{
    struct websocket_context *ctx = mem_zero(sizeof *ctx);
    enum status st;

    atomic_store(&ctx->refs, 1);
    ctx->tls = tls ? tls_context_ref(tls) : NULL;
    ctx->rules = (struct websocket_rules){
        .tls = tls != NULL, .same_origin = s->same_origin, .compression = s->compression,
        .jwt_cookie = keep_name(ctx, 0, s->jwt_cookie),
        .user_cookie = keep_name(ctx, 1, s->user_cookie),
        .pass_cookie = keep_name(ctx, 2, s->pass_cookie),
        .token_cookie = keep_name(ctx, 3, s->token_cookie),
    };
    st = add_origins(ctx, s, why);
    if (st == ST_OK) st = add_headers(ctx, s, why);
    if (st != ST_OK) {
        websocket_context_unref(ctx);
        ctx = NULL;
    }
    *out = ctx;
    return st;
}

struct websocket_context *websocket_context_ref(struct websocket_context *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void websocket_context_unref(struct websocket_context *ctx)
{
    if (ctx == NULL || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < ctx->rules.origin_count; i++) websocket_origin_fini(&ctx->origins[i]);
    for (size_t i = 0; i < COUNT_OF(ctx->cookies); i++) mem_free(ctx->cookies[i]);
    tls_context_unref(ctx->tls);
    buf_free(&ctx->headers);
    mem_free(ctx->origins);
    mem_free(ctx);
}
