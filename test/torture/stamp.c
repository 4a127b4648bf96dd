/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.c - the contents of a message as a function of who wrote it.
 *
 * The body begins with "kind worker n expected;" and goes on with bytes drawn from those numbers,
 * so CR, LF, NUL and everything else occur in it. */
#include "client.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Mostly small; one in 64 some kilobytes, one in 1,024 up to 100 KB. */
static size_t length_of(uint64_t h)
{
    if (h % 1024 == 0)
        return 20000 + (size_t)((h >> 16) % 80000);
    if (h % 64 == 0)
        return 1000 + (size_t)((h >> 16) % 8000);
    return (size_t)((h >> 16) % 400);
}

struct span stamp_body(const struct stamp *s, char *buf)
{
    uint64_t h = mix(s->n * 1000003u + s->worker * 8191u + s->expected * 31u +
                     (unsigned char)s->kind);
    int head = snprintf(buf, 96, "%c %u %llu %llu;", s->kind, s->worker,
                        (unsigned long long)s->n, (unsigned long long)s->expected);
    size_t n = (size_t)head, end = n + length_of(h);

    for (; n + 8 <= end; n += 8) {
        h = mix(h + 0x9e3779b97f4a7c15u);
        memcpy(buf + n, &h, 8);
    }
    h = mix(h + 0x9e3779b97f4a7c15u);
    memcpy(buf + n, &h, end - n);
    return (struct span){buf, end};
}

struct span stamp_header(const struct stamp *s, char *buf, size_t cap)
{
    unsigned long long count = (unsigned long long)s->n, expected = s->expected;
    int n = 0;

    if (s->kind == 'a' && s->n % 2 == 1)
        n = snprintf(buf, cap, "NATS/1.0\r\nX-Torture: %u %llu\r\n\r\n", s->worker, count);
    else if (s->kind == 'c' || (s->kind == 'k' && s->n % 2 == 1))
        n = snprintf(buf, cap, "NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: %llu\r\n\r\n",
                     expected);
    else if (s->kind == 'd')
        n = snprintf(buf, cap, "NATS/1.0\r\nNats-Msg-Id: d-%u-%llu\r\n\r\n", s->worker, count);
    else if (s->kind == 'e')
        n = snprintf(buf, cap, "NATS/1.0\r\nKV-Operation: DEL\r\n\r\n");
    return (struct span){buf, (size_t)n};
}

static bool is_added(const char *line)
{
    static const char *const added[] = {"Nats-Stream:", "Nats-Subject:", "Nats-Sequence:",
                                        "Nats-Time-Stamp:"};

    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        if (strncmp(line, added[i], strlen(added[i])) == 0)
            return true;
    return false;
}

/* The lines of a header block without status line, end line and what a direct get adds. */
static size_t own_lines(struct span header, char *out, size_t cap)
{
    const char *p = header.p, *end = header.p + header.n, *nl;
    size_t n = 0;
    bool first = true;

    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        size_t len = (size_t)(nl - p) + 1;

        if (!first && len > 2 && !is_added(p) && n + len <= cap) {
            memcpy(out + n, p, len);
            n += len;
        }
        first = false;
        p = nl + 1;
    }
    return n;
}

bool stamp_check(const struct message *m, struct stamp *s, char *scratch)
{
    char text[128], want[256], got[1024], lines[512];
    size_t head = m->body.n < sizeof text - 1 ? m->body.n : sizeof text - 1, n, k;
    unsigned long long count = 0, expected = 0;
    struct span body, header;

    memset(s, 0, sizeof *s);
    s->kind = '?';
    memcpy(text, m->body.p, head);
    text[head] = '\0';
    if (sscanf(text, "%c %u %llu %llu;", &s->kind, &s->worker, &count, &expected) != 4 ||
        strchr("acdke", s->kind) == NULL || s->kind == '\0') {
        s->kind = '?';
        return false;
    }
    s->n = count;
    s->expected = expected;
    body = stamp_body(s, scratch);
    if (body.n != m->body.n || memcmp(body.p, m->body.p, body.n) != 0)
        return false;
    header = stamp_header(s, want, sizeof want);
    n = own_lines(m->header, got, sizeof got);
    k = own_lines(header, lines, sizeof lines);
    return n == k && memcmp(got, lines, n) == 0;
}
