/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c - the texts of -h and --help_tls, in nats-server's layout. */
#include "base/buf.h"
#include "config/config.h"
#include "config/option_table.h"
#include "config/tls_names.h"

#define HELP_COLUMN 37

/* Names of one or two letters and those in capitals are written with one dash. */
static bool is_short(struct span name)
{
    return name.len <= 2 || (name.p[0] >= 'A' && name.p[0] <= 'Z');
}

/* "-p, --port <port>" */
static void append_flags(struct buf *out, const struct option_row *row)
{
    struct span rest = span_of(row->flags);
    bool first = true;

    while (rest.len > 0) {
        size_t n = span_find(rest, ',');
        struct span name = span_make(rest.p, n);
        if (!first) buf_append_text(out, ", ");
        else buf_append_text(out, is_short(name) ? "    " : "        ");
        buf_append_text(out, is_short(name) ? "-" : "--");
        buf_append_span(out, name);
        rest = span_from(rest, n < rest.len ? n + 1 : n);
        first = false;
    }
    if (row->argument[0] != '\0') buf_printf(out, " %s", row->argument);
}

static void append_row(struct buf *out, const struct option_row *row)
{
    size_t start = out->len;

    append_flags(out, row);
    if (out->len - start >= HELP_COLUMN) {
        buf_append_char(out, '\n');
        start = out->len;
    }
    do buf_append_char(out, ' ');
    while (out->len - start < HELP_COLUMN);
    buf_append_text(out, row->help);
    buf_append_char(out, '\n');
}

char *config_usage(void)
{
    struct buf out = { 0 };
    const struct option_row *group = NULL;

    buf_append_text(&out, "\nUsage: nats-server [options]\n");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->type == OPTION_GROUP) group = row;
        if (row->flags[0] == '\0' || row->help[0] == '\0') continue;
        if (group != NULL) buf_printf(&out, "\n%s:\n", group->name);
        group = NULL;
        append_row(&out, row);
    }
    buf_append_char(&out, '\n');
    return buf_take(&out);
}

char *config_usage_tls(void)
{
    static const char head[] =
        "\nTLS is configured by the tls block of a configuration file, for example:\n\n"
        "    tls {\n"
        "        cert_file:      \"./certs/server-cert.pem\"\n"
        "        key_file:       \"./certs/server-key.pem\"\n"
        "        ca_file:        \"./certs/ca.pem\"\n"
        "        verify:         true\n"
        "        verify_and_map: true\n"
        "        cipher_suites: [\n"
        "            \"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\"\n"
        "            \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"\n"
        "        ]\n"
        "        curve_preferences: [ \"X25519\", \"CurveP256\" ]\n"
        "    }\n\nAvailable cipher suites include:\n";
    struct buf out = { 0 };
    const char *name;

    buf_append_text(&out, head);
    for (size_t i = 0; (name = tls_cipher_name(i)) != NULL; i++) {
        bool insecure = tls_cipher_is_insecure(span_of(name));
        buf_printf(&out, "    %s%s\n", name, insecure ? " (insecure)" : "");
    }
    buf_append_text(&out, "\nAvailable curve preferences include:\n");
    for (size_t i = 0; (name = tls_curve_name(i)) != NULL; i++)
        buf_printf(&out, "    %s\n", name);
    return buf_take(&out);
}
