/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - what went over a connection, for people. */
#include "core/trace.h"

#include "base/log.h"

void client_append_label(const struct client *c, struct buf *out)
{
    bool six = strchr(c->details->peer.host, ':') != NULL;

    buf_printf(out, six ? "[%s]:%u - %s:%llu" : "%s:%u - %s:%llu", c->details->peer.host,
               c->details->peer.port, c->listener == CORE_LISTENER_WEBSOCKET ? "wid" : "cid",
               (unsigned long long)c->id);
}

static struct buf start(const struct client *c, const char *direction)
{
    struct buf line = { 0 };

    client_append_label(c, &line);
    buf_printf(&line, " - %s ", direction);
    return line;
}

static void finish(struct buf *line)
{
    log_trace("%s", buf_text(line));
    buf_free(line);
}

static bool starts_with_key(struct span s, size_t at, const char *key)
{
    size_t n = strlen(key);

    return at + n <= s.len && memcmp(s.p + at, key, n) == 0;
}

/* Copy CONNECT's JSON with the values of secrets replaced. */
static void append_redacted(struct buf *out, struct span json)
{
    static const char *const keys[] = { "\"pass\"", "\"auth_token\"", "\"sig\"", "\"jwt\"" };

    for (size_t i = 0; i < json.len; i++) {
        for (size_t k = 0; k < COUNT_OF(keys); k++) {
            size_t at = i + strlen(keys[k]);
            if (!starts_with_key(json, i, keys[k])) continue;
            while (at < json.len && json.p[at] != '"') at++;
            for (at++; at < json.len && json.p[at] != '"'; at++)
                if (json.p[at] == '\\') at++;
            buf_printf(out, "%s:\"[REDACTED]\"", keys[k]);
            i = at + 1;
        }
        if (i < json.len) buf_append_char(out, json.p[i]);
    }
}

void trace_command(const struct client *c, const struct parser_command *cmd)
{
    static const char *const names[] = {
        "CONNECT", "PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG", "INFO", "+OK", "-ERR",
    };
    struct buf line = start(c, "<<-");

    buf_printf(&line, "[%s", names[cmd->verb]);
    switch (cmd->verb) {
    case VERB_CONNECT:
        buf_append_char(&line, ' ');
        append_redacted(&line, cmd->args);
        break;
    case VERB_PUB:
    case VERB_HPUB:
        buf_printf(&line, " %.*s", SPAN_ARG(cmd->subject));
        if (cmd->reply.len) buf_printf(&line, " %.*s", SPAN_ARG(cmd->reply));
        if (cmd->verb == VERB_HPUB) buf_printf(&line, " %zu", cmd->header_len);
        buf_printf(&line, " %zu", cmd->total);
        break;
    case VERB_SUB:
    case VERB_UNSUB:
        buf_printf(&line, " %.*s", SPAN_ARG(cmd->args));
        break;
    default:
        break;
    }
    buf_append_char(&line, ']');
    finish(&line);
}

void trace_payload(const struct client *c, const struct parser_command *cmd)
{
    const struct options *o = core_of(client_loop(c))->config->options;
    size_t len = o->trace_headers ? cmd->header_len : cmd->total;
    struct buf line = start(c, "<<-");
    bool cut = o->max_traced_msg_len > 0 && len > (uint64_t)o->max_traced_msg_len;

    if (cut) len = (size_t)o->max_traced_msg_len;
    buf_append_text(&line, "MSG_PAYLOAD: [\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)cmd->body[i];
        if (b == '\r' || b == '\n' || b == '\t')
            buf_printf(&line, "\\%c", b == '\r' ? 'r' : b == '\n' ? 'n' : 't');
        else if (b < 0x20 || b == 0x7f)
            buf_printf(&line, "\\x%02x", b);
        else
            buf_append_char(&line, (char)b);
    }
    buf_append_text(&line, cut ? "...\"]" : "\"]");
    finish(&line);
}

void trace_mapping(const struct client *c, struct span from, struct span to)
{
    struct buf line = start(c, "<<-");

    buf_printf(&line, "[MAPPING %.*s -> %.*s]", SPAN_ARG(from), SPAN_ARG(to));
    finish(&line);
}

void trace_delivery(const struct client *c, const struct sub *sub, const struct message *m,
                    size_t header_len, size_t total)
{
    struct buf line = start(c, "->>");

    buf_printf(&line, "[%s %.*s %.*s", header_len ? "HMSG" : "MSG", SPAN_ARG(m->subject),
               SPAN_ARG(sub_sid(sub)));
    if (m->reply.len) buf_printf(&line, " %.*s", SPAN_ARG(m->reply));
    if (header_len) buf_printf(&line, " %zu", header_len);
    buf_printf(&line, " %zu]", total);
    finish(&line);
}

void trace_out(const struct client *c, struct span what)
{
    struct buf line = start(c, "->>");

    buf_printf(&line, "[%.*s]", SPAN_ARG(what));
    finish(&line);
}
