/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - life of struct options. */
#include "config/options.h"

#include "base/duration.h"
#include "base/mem.h"
#include "config/option_reader.h"
#include "config/option_table.h"

#define HANDSHAKE_TIMEOUT_NS (2 * NS_PER_S)

struct options *options_new(void)
{
    struct options *o = mem_zero(sizeof *o);

    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        char *member = (char *)o + row->offset;
        switch (row->type) {
        case OPTION_BOOL: *(bool *)(void *)member = row->initial != 0; break;
        case OPTION_INT: *(int *)(void *)member = (int)row->initial; break;
        case OPTION_INT64:
        case OPTION_DURATION: *(int64_t *)(void *)member = row->initial; break;
        case OPTION_TEXT:
        case OPTION_GROUP:
        case OPTION_BLOCK:
        case OPTION_FLAG:
        case OPTION_UNSUPPORTED_KEYS:
        case OPTION_UNSUPPORTED_FLAGS: break;
        }
    }
    o->host = mem_dup("0.0.0.0");
    o->http_base_path = mem_dup("");
    o->websocket.handshake_timeout_ns = HANDSHAKE_TIMEOUT_NS;
    return o;
}

static void free_secret(char *text)
{
    if (text != NULL) mem_wipe(text, strlen(text));
    mem_free(text);
}

static void authorization_fini(struct authorization_options *a)
{
    mem_free(a->username);
    free_secret(a->password);
    free_secret(a->token);
    mem_free(a->no_auth_user);
    permission_options_free(&a->default_permissions);
}

static void websocket_fini(struct websocket_options *w)
{
    mem_free(w->host);
    mem_free(w->advertise);
    tls_options_free(&w->tls);
    text_list_free(&w->allowed_origins);
    authorization_fini(&w->authorization);
    mem_free(w->no_auth_user);
    mem_free(w->jwt_cookie);
    mem_free(w->user_cookie);
    mem_free(w->pass_cookie);
    mem_free(w->token_cookie);
    text_list_free(&w->header_names);
    text_list_free(&w->header_values);
}

void options_free(struct options **p)
{
    struct options *o = *p;

    if (o == NULL) return;
    for (size_t i = 0; i < option_row_count; i++)
        if (option_rows[i].type == OPTION_TEXT)
            mem_free(*(char **)(void *)((char *)o + option_rows[i].offset));
    mem_free(o->signal_spec);
    mem_free(o->config_digest);
    for (size_t i = 0; i < o->arguments.count; i++)
        mem_wipe(o->arguments.items[i], strlen(o->arguments.items[i]));
    text_list_free(&o->arguments);
    text_list_free(&o->tags.tags);
    text_list_free(&o->tags.metadata_keys);
    text_list_free(&o->tags.metadata_values);
    tls_options_free(&o->tls);
    authorization_fini(&o->authorization);
    user_options_free(o->users, o->user_count);
    account_options_free(o->accounts, o->account_count);
    mapping_options_free(o->mappings, o->mapping_count);
    websocket_fini(&o->websocket);
    options_jetstream_fini(&o->jetstream);
    mem_free(o);
    *p = NULL;
}
