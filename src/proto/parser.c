/* SPDX-License-Identifier: Apache-2.0 */
/* parser.c - verb by table, arguments by one scan, payload by its announced length.
 *
 * A complete PUB in its plain form is the hot command and has a path of its own; everything else,
 * and every error, goes through the table. Nothing is remembered between calls, see parser.h. */
#include "proto/parser.h"

#include "base/assert.h"

#define ARGS_MAX 5              /* one more than any command takes */
#define SIZE_DIGITS_MAX 9       /* as nats-server: longer numbers are errors */

static const bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
static const uint32_t pub_word = 'P' | 'U' << 8 | 'B' << 16 | (uint32_t)' ' << 24;

struct args {
    struct span v[ARGS_MAX];
    size_t count;
    const char *end;            /* just past the '\n'; NULL: line incomplete */
    bool canonical;             /* single spaces between, CRLF at the end */
    bool nul;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Split the line at p into arguments. Blanks before the first one are the caller's. As in
 * nats-server a CR inside the line separates those of SUB and UNSUB (cr_splits), but is part of
 * those of PUB and HPUB. */
static void scan_args(const char *p, const char *end, bool cr_splits, struct args *a)
{
    const char *start = p;

    *a = (struct args){ .canonical = true };
    for (;; p++) {
        while (p < end && (unsigned char)*p > ' ') p++;
        if (p == end) return;
        if (!is_blank(*p) && *p != '\r' && *p != '\n') {
            a->nul |= *p == '\0';
            continue;
        }
        if (*p == '\r' && !cr_splits && p + 1 < end && p[1] != '\n') continue;
        if (p > start) {
            if (a->count < ARGS_MAX) a->v[a->count++] = span_make(start, (size_t)(p - start));
        } else if (*p != '\n') {
            a->canonical = false;
        }
        if (*p == '\n') break;
        if (*p == '\t') a->canonical = false;
        if (*p == '\r' && (p + 1 == end || p[1] != '\n')) a->canonical = false;
        start = p + 1;
    }
    if (p[-1] != '\r') a->canonical = false;
    a->end = p + 1;
}

/* Bytes of the argument line without its end; the same when the line is not complete yet. */
static size_t line_bytes(const char *args, const struct args *a, const char *end)
{
    const char *stop = a->end ? a->end - 1 : end;

    if (stop > args && stop[-1] == '\r') stop--;
    return (size_t)(stop - args);
}

static bool parse_size(struct span text, size_t *out)
{
    uint64_t v;

    if (text.len > SIZE_DIGITS_MAX || !span_to_u64(text, &v)) return false;
    *out = (size_t)v;
    return true;
}

static enum parser_result more(struct parser_command *cmd, size_t need)
{
    cmd->need = need;
    return PARSER_MORE;
}

/* The body of a publish: header_len and total are set, it starts at cmd->body. */
static enum parser_result finish_body(const char *p, size_t len, const struct args *a,
                                      struct parser_command *cmd)
{
    size_t have = len - (size_t)(cmd->body - p);

    if (have > cmd->total && cmd->body[cmd->total] != '\r') return PARSER_UNKNOWN;
    if (have > cmd->total + 1 && cmd->body[cmd->total + 1] != '\n') return PARSER_UNKNOWN;
    cmd->consumed = (size_t)(cmd->body - p) + cmd->total + 2;
    if (have < cmd->total + 2) return more(cmd, cmd->consumed);
    cmd->has_nul = a->nul;
    cmd->raw = SPAN_NONE;
    if (a->canonical) {
        const char *from = cmd->reply.len ? cmd->reply.p : a->v[1].p;
        cmd->raw = span_make(from, (size_t)(p + cmd->consumed - from));
    }
    return PARSER_COMMAND;
}

/* PUB (sizes == 1) and HPUB (sizes == 2). args points behind the blanks after the verb. */
static enum parser_result parse_publish(const char *p, size_t len, const char *args, size_t sizes,
                                        const struct parser_limits *limits,
                                        struct parser_command *cmd)
{
    struct args a;
    size_t reply;

    if (sizes == 2 && !limits->headers && memchr(args, '\n', len - (size_t)(args - p)))
        return PARSER_BAD_ARGS;
    scan_args(args, p + len, false, &a);
    if (line_bytes(args, &a, p + len) > limits->max_control_line) return PARSER_CONTROL_LINE;
    if (a.end == NULL) return more(cmd, len + 1);
    if (a.count != 1 + sizes && a.count != 2 + sizes) return PARSER_BAD_ARGS;
    reply = a.count - 1 - sizes;
    cmd->subject = a.v[0];
    cmd->reply = reply ? a.v[1] : SPAN_NONE;
    cmd->header_len = 0;
    if (sizes == 2 && !parse_size(a.v[1 + reply], &cmd->header_len)) return PARSER_BAD_ARGS;
    if (!parse_size(a.v[a.count - 1], &cmd->total)) return PARSER_BAD_ARGS;
    if (cmd->header_len > cmd->total) return PARSER_BAD_ARGS;
    if (limits->max_payload >= 0 && cmd->total > (uint64_t)limits->max_payload)
        return PARSER_MAX_PAYLOAD;
    cmd->body = a.end;
    return finish_body(p, len, &a, cmd);
}

static enum parser_result parse_sub(const struct args *a, struct parser_command *cmd)
{
    if (a->count != 2 && a->count != 3) return PARSER_BAD_ARGS;
    cmd->subject = a->v[0];
    cmd->queue = a->count == 3 ? a->v[1] : SPAN_NONE;
    cmd->sid = a->v[a->count - 1];
    return PARSER_COMMAND;
}

static enum parser_result parse_unsub(const struct args *a, struct parser_command *cmd)
{
    size_t max;

    if (a->count != 1 && a->count != 2) return PARSER_BAD_ARGS;
    cmd->sid = a->v[0];
    cmd->max = -1;
    if (a->count == 2 && parse_size(a->v[1], &max)) cmd->max = (int64_t)max;
    return PARSER_COMMAND;
}

/* What may stand between a verb and its arguments. */
enum gap {
    GAP_BLANK,                  /* at least one blank */
    GAP_ANY,                    /* blanks or nothing */
    GAP_JUNK,                   /* no arguments: anything up to the line end is ignored */
};

static const struct verb {
    const char *name;           /* upper case */
    size_t len;
    enum parser_verb verb;
    enum gap gap;
} verbs[] = {
    { "HPUB", 4, VERB_HPUB, GAP_BLANK }, { "SUB", 3, VERB_SUB, GAP_BLANK },
    { "UNSUB", 5, VERB_UNSUB, GAP_BLANK }, { "PING", 4, VERB_PING, GAP_JUNK },
    { "PONG", 4, VERB_PONG, GAP_JUNK }, { "CONNECT", 7, VERB_CONNECT, GAP_ANY },
    { "PUB", 3, VERB_PUB, GAP_BLANK }, { "INFO", 4, VERB_INFO, GAP_ANY },
    { "+OK", 3, VERB_OK, GAP_JUNK }, { "-ERR", 4, VERB_ERR, GAP_BLANK },
};

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* The verb that the bytes start with or may still become; *matched bytes agree with it. */
static const struct verb *find_verb(const char *p, size_t len, size_t *matched)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        const struct verb *v = &verbs[i];
        size_t n = len < v->len ? len : v->len, at = 0;
        while (at < n && upper(p[at]) == v->name[at]) at++;
        if (at == n) {
            *matched = n;
            return v;
        }
    }
    return NULL;
}

/* The commands with a line and no body. args points behind the blanks after the verb. */
static enum parser_result parse_line(const char *p, size_t len, const char *args,
                                     const struct parser_limits *limits,
                                     struct parser_command *cmd)
{
    const char *end = p + len, *newline = memchr(args, '\n', (size_t)(end - args));
    size_t line = (size_t)((newline ? newline : end) - args);
    struct args a;

    if (line > 0 && args[line - 1] == '\r') line--;
    if (line > limits->max_control_line) return PARSER_CONTROL_LINE;
    if (newline == NULL) return more(cmd, len + 1);
    cmd->consumed = (size_t)(newline + 1 - p);
    cmd->args = span_make(args, line);
    if (cmd->verb != VERB_SUB && cmd->verb != VERB_UNSUB) return PARSER_COMMAND;
    scan_args(args, newline + 1, true, &a);
    return cmd->verb == VERB_SUB ? parse_sub(&a, cmd) : parse_unsub(&a, cmd);
}

static enum parser_result parse_any(const char *p, size_t len, const struct parser_limits *limits,
                                    struct parser_command *cmd)
{
    size_t matched;
    const struct verb *v = find_verb(p, len, &matched);
    const char *args = p + matched, *end = p + len;

    if (v == NULL) return PARSER_UNKNOWN;
    if (matched < v->len) return more(cmd, len + 1);
    if (args == end) return more(cmd, len + 1);
    if (v->gap == GAP_BLANK && !is_blank(*args)) return PARSER_UNKNOWN;
    if (v->gap != GAP_JUNK)
        while (args < end && is_blank(*args)) args++;
    if (args == end && v->gap != GAP_JUNK)
        return (size_t)(args - p) > limits->max_control_line + v->len ? PARSER_CONTROL_LINE
                                                                      : more(cmd, len + 1);
    cmd->verb = v->verb;
    if (v->verb == VERB_PUB) return parse_publish(p, len, args, 1, limits, cmd);
    if (v->verb == VERB_HPUB) return parse_publish(p, len, args, 2, limits, cmd);
    return parse_line(p, len, args, limits, cmd);
}

/* ---- the hot command ---- */

/* The first byte at p that is a blank, a control character or end. */
static const char *token_end(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;

    while (end - p >= 8) {
        uint64_t word, hit;
        memcpy(&word, p, 8);
        hit = (word - ones * 0x21) & ~word & highs;     /* exact up to the first hit */
        if (hit && little_endian) return p + (__builtin_ctzll(hit) >> 3);
        if (hit) break;
        p += 8;
    }
    while (p < end && (unsigned char)*p > ' ') p++;
    return p;
}

/* Digits from p up to stop into *size; false: not a plain size. */
static bool take_size(const char *p, const char *stop, size_t *size)
{
    size_t v = 0;

    if (p == stop || stop - p > SIZE_DIGITS_MAX) return false;
    for (; p < stop; p++) {
        unsigned digit = (unsigned)((unsigned char)*p - '0');
        if (digit > 9) return false;
        v = v * 10 + digit;
    }
    *size = v;
    return true;
}

/* "PUB subject [reply ]size CRLF body CRLF", complete, single spaces, within the limits: true.
 * Everything else, also what is wrong, is left to parse_any. */
static bool take_plain_pub(const char *p, size_t len, const struct parser_limits *limits,
                           struct parser_command *cmd)
{
    const char *end = p + len, *subject = p + 4, *stop = token_end(subject, end), *next, *body;

    if (stop == end || *stop != ' ' || stop == subject) return false;
    cmd->subject = span_make(subject, (size_t)(stop - subject));
    next = stop + 1;
    stop = token_end(next, end);
    cmd->reply = SPAN_NONE;
    cmd->raw.p = next;
    if (stop != end && *stop == ' ' && stop > next) {
        cmd->reply = span_make(next, (size_t)(stop - next));
        next = stop + 1;
        stop = token_end(next, end);
    }
    if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n') return false;
    if (!take_size(next, stop, &cmd->total)) return false;
    if ((size_t)(stop - subject) > limits->max_control_line) return false;
    if (limits->max_payload >= 0 && cmd->total > (uint64_t)limits->max_payload) return false;
    body = stop + 2;
    if ((size_t)(end - body) < cmd->total + 2) return false;
    if (body[cmd->total] != '\r' || body[cmd->total + 1] != '\n') return false;
    cmd->verb = VERB_PUB;
    cmd->header_len = 0;
    cmd->body = body;
    cmd->has_nul = false;
    cmd->consumed = (size_t)(body - p) + cmd->total + 2;
    cmd->raw.len = (size_t)(p + cmd->consumed - cmd->raw.p);
    return true;
}

enum parser_result parser_next(const char *p, size_t len, const struct parser_limits *limits,
                               struct parser_command *cmd)
{
    uint32_t word;

    assert(len > 0);
    if (len > 4) {
        memcpy(&word, p, 4);
        if (word == pub_word && take_plain_pub(p, len, limits, cmd)) return PARSER_COMMAND;
    }
    return parse_any(p, len, limits, cmd);
}
