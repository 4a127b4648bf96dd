/* SPDX-License-Identifier: Apache-2.0 */
/* get_body.c - table of the fields of a request for stored messages. */
#include "jetstream/get_body.h"

#include "base/mem.h"
#include "jetstream/config_priv.h"

#define AT(field) offsetof(struct get_body, field)

static void read_start(struct json_in *in, const struct json_t *v, void *to)
{
    struct get_body *b = CONTAINER_OF(to, struct get_body, start_time);

    b->has_start_time = json_in_time(in, v, &b->start_time);
}

static void read_up_to(struct json_in *in, const struct json_t *v, void *to)
{
    struct get_body *b = CONTAINER_OF(to, struct get_body, up_to_time);

    b->has_up_to_time = json_in_time(in, v, &b->up_to_time);
}

static const struct json_in_field fields[] = {
    { "seq", JSON_IN_UINT64, AT(seq), "uint64", NULL, NULL, 0 },
    { "last_by_subj", JSON_IN_TEXT, AT(last_for), NULL, NULL, NULL, 0 },
    { "next_by_subj", JSON_IN_TEXT, AT(next_for), NULL, NULL, NULL, 0 },
    { "batch", JSON_IN_INT64, AT(batch), "int", NULL, NULL, 0 },
    { "max_bytes", JSON_IN_INT64, AT(max_bytes), "int", NULL, NULL, 0 },
    { "start_time", JSON_IN_OWN, AT(start_time), NULL, NULL, read_start, 0 },
    { "multi_last", JSON_IN_OWN, AT(multi_last), NULL, NULL, config_read_texts, 0 },
    { "up_to_seq", JSON_IN_UINT64, AT(up_to_seq), "uint64", NULL, NULL, 0 },
    { "up_to_time", JSON_IN_OWN, AT(up_to_time), NULL, NULL, read_up_to, 0 },
    { "no_hdr", JSON_IN_BOOL, AT(no_headers), NULL, NULL, NULL, 0 },
};

const struct json_in_type get_body_type = { "server.JSApiMsgGetRequest", fields,
                                            COUNT_OF(fields) };

void get_body_free(struct get_body *b)
{
    mem_free(b->last_for);
    mem_free(b->next_for);
    config_texts_free(&b->multi_last);
    *b = (struct get_body){ 0 };
}
