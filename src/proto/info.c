/* SPDX-License-Identifier: Apache-2.0 */
/* info.c - INFO, key by key in nats-server's order. */
#include "proto/info.h"

#include "base/jsonw.h"

static void text_if(struct jsonw *w, const char *key, struct span value)
{
    if (value.len > 0) jsonw_string(w, key, value);
}

static void urls(struct jsonw *w, const struct info_fields *f)
{
    if (f->connect_url_count == 0) return;
    jsonw_array(w, "connect_urls");
    for (size_t i = 0; i < f->connect_url_count; i++) jsonw_string(w, NULL, f->connect_urls[i]);
    jsonw_end_array(w);
}

static void listener_keys(struct jsonw *w, const struct info_fields *f)
{
    jsonw_string(w, "server_id", f->server_id);
    jsonw_string(w, "server_name", f->server_name);
    jsonw_string(w, "version", f->version);
    jsonw_int(w, "proto", f->proto);
    text_if(w, "git_commit", f->git_commit);
    jsonw_string(w, "go", f->go);
    jsonw_string(w, "host", f->host);
    jsonw_int(w, "port", f->port);
    jsonw_bool(w, "headers", f->headers);
    jsonw_bool_if(w, "auth_required", f->auth_required);
    jsonw_bool_if(w, "tls_required", f->tls_required);
    jsonw_bool_if(w, "tls_verify", f->tls_verify);
    jsonw_bool_if(w, "tls_available", f->tls_available);
    jsonw_int(w, "max_payload", f->max_payload);
    jsonw_bool_if(w, "jetstream", f->jetstream);
}

static void client_keys(struct jsonw *w, const struct info_fields *f)
{
    text_if(w, "ip", f->ip);
    if (f->client_id != 0) jsonw_uint(w, "client_id", f->client_id);
    text_if(w, "client_ip", f->client_ip);
    text_if(w, "nonce", f->nonce);
    text_if(w, "cluster", f->cluster);
    jsonw_bool_if(w, "cluster_dynamic", f->cluster_dynamic);
    text_if(w, "domain", f->domain);
    urls(w, f);
    jsonw_bool_if(w, "ldm", f->ldm);
    jsonw_bool_if(w, "connect_info", f->connect_info);
    text_if(w, "remote_account", f->remote_account);
    jsonw_bool_if(w, "acc_is_sys", f->acc_is_sys);
    jsonw_int_if(w, "api_lvl", f->api_lvl);
    text_if(w, "xkey", f->xkey);
}

void info_append(const struct info_fields *f, struct buf *out)
{
    struct jsonw w = jsonw_start(out);

    buf_append_text(out, "INFO ");
    jsonw_object(&w, NULL);
    listener_keys(&w, f);
    client_keys(&w, f);
    jsonw_end_object(&w);
    buf_append_text(out, " \r\n");
}
