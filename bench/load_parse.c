/* SPDX-License-Identifier: Apache-2.0 */
/* load_parse.c - what the server sends, checked to the last byte.
 *
 * parse_input() gets a contiguous piece of the stream and eats whole commands.
 * Subscribers first compare with the MSG they expect next, which is cheap;
 * whatever is not exactly that goes through the full parser, which decides
 * whether it is another legal command or an error. */
#include "load.h"

#include <string.h>
#include <strings.h>

#define TOKENS_MAX 6

static bool parse_size(struct token t, size_t *value)
{
    size_t v = 0;

    if (t.len == 0 || t.len > 9)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v * 10 + (size_t)(t.p[i] - '0');
    }
    *value = v;
    return true;
}

static size_t split(const char *p, size_t n, struct token *tokens)
{
    const char *end = p + n;
    size_t count = 0;

    while (count < TOKENS_MAX) {
        while (p < end && (*p == ' ' || *p == '\t'))
            p++;
        if (p == end)
            break;
        tokens[count].p = p;
        while (p < end && *p != ' ' && *p != '\t')
            p++;
        tokens[count].len = (size_t)(p - tokens[count].p);
        count++;
    }
    return count;
}

/* MSG subject sid [reply] size, or HMSG subject sid [reply] header-size size. */
static bool parse_header(const char *line, size_t n, struct message *m)
{
    struct token t[TOKENS_MAX];
    bool with_headers = line[0] == 'H';
    size_t fixed = with_headers ? 5 : 4, count = split(line, n - 2, t), header_size = 0, sid;

    memset(m, 0, sizeof *m);
    if (count != fixed && count != fixed + 1)
        return false;
    m->subject = t[1];
    m->sid = t[2];
    if (count == fixed + 1)
        m->reply = t[3];
    if (with_headers && !parse_size(t[count - 2], &header_size))
        return false;
    m->head_len = n;
    m->header_size = header_size;
    return parse_size(t[count - 1], &m->size) && header_size <= m->size && parse_size(m->sid, &sid);
}

/* Which entry of which ring must this payload be? False: none. */
static bool find_entry(struct load *ld, struct conn *c, const char *payload, size_t *source,
                       size_t *index)
{
    uint32_t stamp[2];

    if (c->nsources == 0)
        return false;
    *source = 0;
    *index = c->next[0];
    if (c->check == CHECK_ORDER)
        return true;
    if (ld->opt.payload_bytes < STAMP_BYTES)
        return false;
    memcpy(stamp, payload, STAMP_BYTES);
    if (stamp[0] >= c->nsources || stamp[1] >= c->source[stamp[0]]->n)
        return false;
    *source = stamp[0];
    *index = stamp[1];
    return c->check == CHECK_MEMBER || c->next[*source] == *index;
}

static void count_entry(struct load *ld, struct conn *c, size_t source, size_t index)
{
    c->next[source] = index + 1 == c->source[source]->n ? 0 : index + 1;
    c->got++;
    if (c->uncounted)
        return;
    ld->delivered++;
    ld->index_sum += index;
}

/* The next message in one comparison; 0 = not that, or not all here. Correct only when it
 * says yes: ring_header_is() needs the length of the line, which is that of the expected one. */
static size_t take_expected(struct load *ld, struct conn *c, const char *p, size_t n)
{
    size_t source, index, guess = c->check == CHECK_ORDER ? c->next[0] : 0, head, z;
    const struct ring *r = c->source[0];

    head = r->msg_off[guess + 1] - r->msg_off[guess];
    z = r->payload_bytes;
    if (n < head + z + 2 || c->got == c->expect || !ring_header_is(r, guess, p, head) ||
        !find_entry(ld, c, p + head, &source, &index))
        return 0;
    if (!ring_payload_is(c->source[source], index, p + head) || p[head + z] != '\r' ||
        p[head + z + 1] != '\n')
        return 0;
    count_entry(ld, c, source, index);
    return head + z + 2;
}

/* A good message in the wrong place, to tell a lost one from a garbled one. */
static bool is_out_of_order(const struct conn *c, const char *payload)
{
    const struct ring *r = c->source[0];
    uint32_t stamp[2];

    if (c->check != CHECK_ORDER || r->payload_bytes < STAMP_BYTES)
        return false;
    memcpy(stamp, payload, STAMP_BYTES);
    return stamp[1] < r->n && stamp[1] != c->next[0] && ring_payload_is(r, stamp[1], payload);
}

static void on_delivery(struct load *ld, struct conn *c, const struct message *m, const char *line)
{
    size_t source, index;

    if (c->got == c->expect)
        conn_fail(ld, c, "a message too many");
    else if (m->size != ld->opt.payload_bytes)
        conn_fail(ld, c, "%zu bytes of payload, expected %zu", m->size, ld->opt.payload_bytes);
    else if (!find_entry(ld, c, m->payload, &source, &index) || is_out_of_order(c, m->payload))
        conn_fail(ld, c, "missing, repeated or unknown message after %llu good ones",
                  (unsigned long long)c->got);
    else if (!ring_header_is(c->source[source], index, line, m->head_len))
        conn_fail(ld, c, "wrong MSG line: %.*s", (int)m->head_len - 2, line);
    else if (!ring_payload_is(c->source[source], index, m->payload))
        conn_fail(ld, c, "wrong payload after %llu good ones", (unsigned long long)c->got);
    else
        count_entry(ld, c, source, index);
}

static void on_request(struct load *ld, struct conn *c, const struct message *m)
{
    if (m->reply.len == 0 || m->size != ld->opt.payload_bytes ||
        memcmp(m->payload, ld->payload, m->size) != 0) {
        conn_fail(ld, c, "wrong request");
        return;
    }
    conn_queue(c, "PUB ", 4);
    conn_queue(c, m->reply.p, m->reply.len);
    conn_queue(c, " ", 1);
    conn_queue(c, ld->size_text, strlen(ld->size_text));
    conn_queue(c, m->payload, m->size + 2);
    c->got++;
    if (c->out_len - c->out_off >= ld->opt.write_bytes)
        conn_flush(ld, c);
}

static void on_reply(struct load *ld, struct conn *c, const struct message *m)
{
    size_t prefix = strlen(c->inbox), slot = 0;
    struct token last = {m->subject.p + prefix + 1, m->subject.len - prefix - 1};
    uint64_t took;

    if (m->subject.len < prefix + 2 || memcmp(m->subject.p, c->inbox, prefix) != 0 ||
        !parse_size(last, &slot) || slot >= ld->opt.in_flight || c->slot_start_ns[slot] == 0) {
        conn_fail(ld, c, "reply that nobody waits for: %.*s", (int)m->subject.len, m->subject.p);
        return;
    }
    if (m->size != ld->opt.payload_bytes || memcmp(m->payload, ld->payload, m->size) != 0) {
        conn_fail(ld, c, "wrong reply");
        return;
    }
    took = util_now_ns() - c->slot_start_ns[slot];
    c->latency_ns[c->nlatency++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    c->slot_start_ns[slot] = 0;
    c->free_slots[c->nfree++] = (uint32_t)slot;
    c->got++;
    ld->delivered++;
}

/* A whole MSG or HMSG if it is here, else 0. */
static size_t take_message(struct load *ld, struct conn *c, const char *line, size_t head, size_t n)
{
    struct message m;

    if (!parse_header(line, head, &m) || m.size > ld->max_payload) {
        conn_fail(ld, c, "bad message line: %.*s", (int)(head > 200 ? 200 : head), line);
        return 0;
    }
    if (n < head + m.size + 2)
        return 0;
    m.payload = line + head;
    if (memcmp(m.payload + m.size, "\r\n", 2) != 0)
        conn_fail(ld, c, "no CRLF after the payload");
    else if (c->role == ROLE_JS)
        c->js->on_message(ld, c, &m);
    else if (line[0] == 'H' || line[0] == 'h')
        conn_fail(ld, c, "HMSG without having asked for headers");
    else if (c->role == ROLE_SUB)
        on_delivery(ld, c, &m, line);
    else if (c->role == ROLE_RESPONDER)
        on_request(ld, c, &m);
    else if (c->role == ROLE_REQUESTER)
        on_reply(ld, c, &m);
    else
        conn_fail(ld, c, "a message without a subscription");
    return head + m.size + 2;
}

static void on_info(struct load *ld, const char *line, size_t n)
{
    static const char key[] = "\"max_payload\":";
    const char *p = memmem(line, n, key, sizeof key - 1);
    size_t value = 0;

    if (p == NULL)
        return;
    for (p += sizeof key - 1; p < line + n && *p >= '0' && *p <= '9' && value < SIZE_MAX / 20; p++)
        value = value * 10 + (size_t)(*p - '0');
    ld->max_payload = value;
}

static void on_line(struct load *ld, struct conn *c, const char *line, size_t n)
{
    size_t text = n - 2;

    if (n < 2 || line[text] != '\r')
        conn_fail(ld, c, "line without CR");
    else if (text == 4 && strncasecmp(line, "PING", 4) == 0)
        conn_queue(c, "PONG\r\n", 6);
    else if (text == 4 && strncasecmp(line, "PONG", 4) == 0)
        c->pongs++;
    else if (text > 5 && strncasecmp(line, "INFO ", 5) == 0)
        on_info(ld, line, n);
    else if (c->closing_allowed && text > 4 && strncasecmp(line, "-ERR", 4) == 0 &&
             memmem(line, text, "Slow Consumer", 13) != NULL)
        c->dead = true;
    else
        conn_fail(ld, c, "server sent: %.*s", (int)(text > 200 ? 200 : text), line);
}

size_t parse_input(struct load *ld, struct conn *c, const char *p, size_t n)
{
    size_t used = 0, took, head;
    const char *nl;

    while (used < n && !c->dead) {
        if (c->nsources > 0 && (took = take_expected(ld, c, p + used, n - used)) > 0) {
            used += took;
            continue;
        }
        nl = memchr(p + used, '\n', n - used);
        head = nl ? (size_t)(nl - (p + used)) + 1 : n - used;
        if (head > LINE_BYTES_MAX) {
            conn_fail(ld, c, "line of more than %u bytes", LINE_BYTES_MAX);
            break;
        }
        if (nl == NULL)
            break;
        if (head >= 6 && (strncasecmp(p + used, "MSG ", 4) == 0 ||
                          strncasecmp(p + used, "HMSG ", 5) == 0)) {
            if (nl[-1] != '\r')
                conn_fail(ld, c, "line without CR");
            took = c->dead ? 0 : take_message(ld, c, p + used, head, n - used);
            if (took == 0)
                break;
            used += took;
            continue;
        }
        on_line(ld, c, p + used, head);
        used += head;
    }
    return used;
}
