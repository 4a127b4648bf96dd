/* SPDX-License-Identifier: Apache-2.0 */
/* header.c - one walk over the lines, for all of them. */
#include "proto/header.h"

#define VERSION_LINE "NATS/1.0"
#define EMPTY_BLOCK VERSION_LINE "\r\n\r\n"

/* Cut the next line off *rest, with its line end. */
static struct span next_line(struct span *rest)
{
    size_t at = span_find(*rest, '\n');
    struct span line = span_make(rest->p, at < rest->len ? at + 1 : at);

    *rest = span_from(*rest, line.len);
    return line;
}

static struct span without_end(struct span line)
{
    if (line.len > 0 && line.p[line.len - 1] == '\n') line.len--;
    if (line.len > 0 && line.p[line.len - 1] == '\r') line.len--;
    return line;
}

/* The line is "key:...". */
static bool line_has_key(struct span line, struct span key)
{
    return span_has_prefix(line, key) && line.len > key.len && line.p[key.len] == ':';
}

static bool is_key_byte(char c)
{
    return c > ' ' && c < 0x7f && c != ':';
}

static bool line_is_valid(struct span line)
{
    size_t colon = span_find(line, ':');

    if (colon == 0 || colon == line.len) return false;
    for (size_t i = 0; i < colon; i++)
        if (!is_key_byte(line.p[i])) return false;
    return span_find(line, '\r') == line.len;
}

bool header_is_valid(struct span block)
{
    struct span line = next_line(&block);
    bool ended = false;

    if (line.len < 2 || line.p[line.len - 2] != '\r' || line.p[line.len - 1] != '\n') return false;
    line = without_end(line);
    if (!span_has_prefix(line, SPAN_LIT(VERSION_LINE))) return false;
    line = span_from(line, strlen(VERSION_LINE));
    if (line.len > 0 && line.p[0] != ' ') return false;
    if (span_find(line, '\r') < line.len) return false;
    while (block.len > 0) {
        if (ended) return false;
        line = next_line(&block);
        if (line.len < 2 || line.p[line.len - 2] != '\r' || line.p[line.len - 1] != '\n')
            return false;
        line = without_end(line);
        ended = line.len == 0;
        if (!ended && !line_is_valid(line)) return false;
    }
    return ended;
}

bool header_find(struct span block, struct span key, struct span *value)
{
    next_line(&block);
    while (block.len > 0) {
        struct span line = without_end(next_line(&block));
        if (!line_has_key(line, key)) continue;
        line = span_from(line, key.len + 1);
        while (line.len > 0 && line.p[0] == ' ') line = span_from(line, 1);
        *value = line;
        return true;
    }
    return false;
}

/* Remove lines that begin with prefix, up to a colon right after it if exact. */
static size_t remove_lines(char *block, size_t len, struct span prefix, bool exact)
{
    struct span rest = span_make(block, len);
    size_t kept = next_line(&rest).len;

    while (rest.len > 0) {
        struct span line = next_line(&rest);
        if (exact ? line_has_key(line, prefix) : span_has_prefix(line, prefix)) continue;
        memmove(block + kept, line.p, line.len);
        kept += line.len;
    }
    return kept < len && kept <= strlen(EMPTY_BLOCK) ? 0 : kept;
}

size_t header_remove(char *block, size_t len, struct span key)
{
    return remove_lines(block, len, key, true);
}

size_t header_remove_prefix(char *block, size_t len, struct span prefix)
{
    return remove_lines(block, len, prefix, false);
}
