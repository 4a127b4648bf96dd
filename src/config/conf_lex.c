/* SPDX-License-Identifier: Apache-2.0 */
/* conf_lex.c - the lexer as a machine of states.
 *
 * The language was defined by nats-server's lexer, corner cases included (a lone '/' is white
 * space after a value, a NUL byte ends the text, "1]" is a string), so the states and what leads
 * from one to the next follow that machine; a differential test keeps it so. Nesting lives in an
 * explicit stack of states: the C stack does not grow with the input. */
#include "config/conf_lex.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "base/assert.h"

#define RUNE_EOF 0u
#define RUNE_BAD 0xfffdu

enum state {
    TOP, TOP_VALUE_END, BLOCK_START, BLOCK_VALUE_END, BLOCK_END, KEY_START, DQ_KEY, SQ_KEY,
    INCLUDE_START, INCLUDE, INCLUDE_SQ, INCLUDE_DQ, INCLUDE_STRING, KEY, KEY_END, VALUE,
    ARRAY_VALUE, ARRAY_VALUE_END, ARRAY_END, MAP_KEY_START, MAP_SQ_KEY, MAP_DQ_KEY, MAP_KEY,
    MAP_KEY_END, MAP_VALUE, MAP_VALUE_END, MAP_END, SQ_STRING, DQ_STRING, STRING, PAREN_BLOCK,
    STRING_ESCAPE, NUMBER_START, NUMBER, CONVENIENT_NUMBER, NEG_NUMBER_START, NEG_NUMBER,
    FLOAT_START, FLOAT_DIGITS, IP_ADDRESS, COMMENT_START, COMMENT, STATE_COUNT, STOPPED,
};

/* ---- runes ---- */

static uint32_t decode_rune(struct span s, size_t *width)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
               p[0] < 0xf5 ? 4 : 0;
    uint32_t r;

    *width = 1;
    if (n == 1) return p[0];
    if (n == 0 || n > s.len) return RUNE_BAD;
    r = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) return RUNE_BAD;
        r = r << 6 | (p[i] & 0x3fu);
    }
    if ((n == 3 && r < 0x800) || (n == 4 && (r < 0x10000 || r > 0x10ffff))) return RUNE_BAD;
    if (r >= 0xd800 && r <= 0xdfff) return RUNE_BAD;
    *width = n;
    return r;
}

static void append_rune(struct buf *out, uint32_t r)
{
    if (r < 0x80) {
        buf_append_char(out, (char)r);
        return;
    }
    if (r < 0x800) {
        buf_append_char(out, (char)(0xc0 | r >> 6));
    } else {
        if (r < 0x10000) {
            buf_append_char(out, (char)(0xe0 | r >> 12));
        } else {
            buf_append_char(out, (char)(0xf0 | r >> 18));
            buf_append_char(out, (char)(0x80 | (r >> 12 & 0x3f)));
        }
        buf_append_char(out, (char)(0x80 | (r >> 6 & 0x3f)));
    }
    buf_append_char(out, (char)(0x80 | (r & 0x3f)));
}

static bool is_newline(uint32_t r)
{
    return r == '\n' || r == '\r';
}

static bool is_blank(uint32_t r)
{
    return r == '\t' || r == ' ';
}

/* Unicode's White_Space. */
static bool is_space(uint32_t r)
{
    return (r >= '\t' && r <= '\r') || r == ' ' || r == 0x85 || r == 0xa0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
           r == 0x205f || r == 0x3000;
}

static bool is_digit(uint32_t r)
{
    return r >= '0' && r <= '9';
}

static bool is_separator(uint32_t r)
{
    return r == '=' || r == ':';
}

static bool is_suffix(uint32_t r)
{
    return r != RUNE_EOF && r < 0x80 && strchr("kKmMgGtTpPeE", (int)r) != NULL;
}

/* What may follow a number. */
static bool ends_number(uint32_t r)
{
    return is_newline(r) || r == RUNE_EOF || r == '}' || r == ';' || r == ',' || is_blank(r);
}

/* ---- moving about ---- */

static uint32_t next(struct conf_lexer *lx)
{
    uint32_t r;

    if (lx->pos >= lx->input.len) {
        lx->width = 0;
        return RUNE_EOF;
    }
    if (lx->input.p[lx->pos] == '\n') {
        lx->line++;
        lx->line_start = lx->pos;
    }
    r = decode_rune(span_from(lx->input, lx->pos), &lx->width);
    lx->pos += lx->width;
    return r;
}

static void backup(struct conf_lexer *lx)
{
    assert(lx->pos >= lx->width);
    lx->pos -= lx->width;
    if (lx->pos < lx->input.len && lx->input.p[lx->pos] == '\n') lx->line--;
}

static uint32_t peek(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    backup(lx);
    return r;
}

static void ignore(struct conf_lexer *lx)
{
    lx->start = lx->pos;
    lx->item_line_start = lx->line_start;
}

static enum state skip(struct conf_lexer *lx, enum state to)
{
    ignore(lx);
    return to;
}

static void push(struct conf_lexer *lx, enum state st)
{
    buf_append_char(&lx->stack, (char)st);
}

static enum state pop(struct conf_lexer *lx)
{
    assert(lx->stack.len > 0);
    return (enum state)(unsigned char)lx->stack.p[--lx->stack.len];
}

static struct span pending(const struct conf_lexer *lx)
{
    return span_make(lx->input.p + lx->start, lx->pos - lx->start);
}

static void emit_text(struct conf_lexer *lx, enum conf_token_type type, struct span text)
{
    assert(!lx->has_token);
    lx->token = (struct conf_token){ type, text, lx->line,
        (int)((int64_t)lx->pos - (int64_t)lx->item_line_start - (int64_t)text.len) };
    lx->has_token = true;
    ignore(lx);
}

static void emit(struct conf_lexer *lx, enum conf_token_type type)
{
    emit_text(lx, type, pending(lx));
}

static void emit_string(struct conf_lexer *lx)
{
    if (lx->has_parts) {
        buf_append_span(&lx->parts, pending(lx));
        lx->has_parts = false;
        emit_text(lx, TOKEN_STRING, buf_span(&lx->parts));
    } else {
        emit(lx, TOKEN_STRING);
    }
}

static void add_part(struct conf_lexer *lx, struct span s)
{
    if (!lx->has_parts) lx->parts.len = 0;
    lx->has_parts = true;
    buf_append_span(&lx->parts, s);
    lx->start = lx->pos;
}

static enum state fail_text(struct conf_lexer *lx, struct span text)
{
    lx->token = (struct conf_token){ TOKEN_ERROR, text, lx->line,
                                     (int)((int64_t)lx->pos - (int64_t)lx->line_start) };
    lx->has_token = true;
    return STOPPED;
}

static enum state fail(struct conf_lexer *lx, const char *text)
{
    return fail_text(lx, span_of(text));
}

/* before, the rune r, after. */
static enum state fail_rune(struct conf_lexer *lx, const char *before, uint32_t r,
                            const char *after)
{
    lx->parts.len = 0;
    buf_append_text(&lx->parts, before);
    if (r == '\n') buf_append_text(&lx->parts, "\\n");
    else if (r == RUNE_EOF) buf_append_text(&lx->parts, "\\x00");
    else append_rune(&lx->parts, r);
    buf_append_text(&lx->parts, after);
    return fail_text(lx, buf_span(&lx->parts));
}

static enum state end_of_text(struct conf_lexer *lx)
{
    if (lx->pos > lx->start) return fail(lx, "Unexpected EOF.");
    emit(lx, TOKEN_EOF);
    return STOPPED;
}

/* After r: the start of a comment, which returns to back? A second '/' is taken. */
static bool starts_comment(struct conf_lexer *lx, uint32_t r, enum state back)
{
    if (r == '/') {
        if (next(lx) != '/') {
            backup(lx);
            return false;
        }
    } else if (r != '#') {
        return false;
    }
    push(lx, back);
    return true;
}

/* ---- the top level and the outermost braces ---- */

static enum state lex_top(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, TOP);
    if (r == '{') {
        push(lx, TOP);
        return skip(lx, BLOCK_START);
    }
    if (starts_comment(lx, r, TOP)) return COMMENT_START;
    if (r == '/' || r == RUNE_EOF) return end_of_text(lx);
    backup(lx);
    push(lx, TOP_VALUE_END);
    return KEY_START;
}

static enum state lex_top_value_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (starts_comment(lx, r, TOP)) return COMMENT_START;
    if (r == '/' || is_blank(r)) return TOP_VALUE_END;
    if (is_newline(r) || r == RUNE_EOF || r == ';' || r == ',' || r == '}') return skip(lx, TOP);
    return fail_rune(lx, "Expected a top-level value to end with a new line, comment or EOF, "
                     "but got '", r, "' instead.");
}

static enum state lex_block_start(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, BLOCK_START);
    if (r == '{') {
        push(lx, BLOCK_END);
        return skip(lx, BLOCK_START);
    }
    if (r == '}') {
        ignore(lx);
        return pop(lx);
    }
    if (starts_comment(lx, r, BLOCK_START)) return COMMENT_START;
    if (r == '/' || r == RUNE_EOF) return end_of_text(lx);
    backup(lx);
    push(lx, BLOCK_VALUE_END);
    return KEY_START;
}

static enum state lex_block_value_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (starts_comment(lx, r, BLOCK_VALUE_END)) return COMMENT_START;
    if (r == '/' || is_blank(r)) return BLOCK_VALUE_END;
    if (is_newline(r) || r == ';' || r == ',') return skip(lx, BLOCK_START);
    if (r == '}') {
        backup(lx);
        return BLOCK_END;
    }
    return fail_rune(lx, "Expected a block-level value to end with a new line, comment or EOF, "
                     "but got '", r, "' instead.");
}

static enum state lex_block_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (starts_comment(lx, r, BLOCK_START)) return COMMENT_START;
    if (r == '/' || is_newline(r) || is_blank(r)) return BLOCK_END;
    if (r == ';' || r == ',') return skip(lx, BLOCK_START);
    if (r == '}') {
        ignore(lx);
        return pop(lx);
    }
    return fail_rune(lx, "Expected a block-level to end with a '}', but got '", r, "' instead.");
}

/* ---- keys ---- */

static enum state lex_key_start(struct conf_lexer *lx)
{
    uint32_t r = peek(lx);

    if (is_separator(r)) return fail_rune(lx, "Unexpected key separator '", r, "'");
    if (is_space(r)) {
        next(lx);
        return skip(lx, KEY_START);
    }
    if (r == '"' || r == '\'') {
        next(lx);
        return skip(lx, r == '"' ? DQ_KEY : SQ_KEY);
    }
    ignore(lx);
    next(lx);
    return KEY;
}

static enum state quoted_key(struct conf_lexer *lx, char quote)
{
    for (;;) {
        uint32_t r = peek(lx);
        if (r == (unsigned char)quote) {
            emit(lx, TOKEN_KEY);
            next(lx);
            return skip(lx, KEY_END);
        }
        if (r == RUNE_EOF) return end_of_text(lx);
        next(lx);
    }
}

static enum state lex_dq_key(struct conf_lexer *lx)
{
    return quoted_key(lx, '"');
}

static enum state lex_sq_key(struct conf_lexer *lx)
{
    return quoted_key(lx, '\'');
}

/* A bare key ended with white space: the keyword include, or a key after all. */
static enum state check_keyword(struct conf_lexer *lx, enum state otherwise)
{
    if (span_equal_nocase(pending(lx), SPAN_LIT("include"))) {
        ignore(lx);
        if (otherwise == MAP_KEY_END) push(lx, MAP_VALUE_END);
        return INCLUDE_START;
    }
    emit(lx, TOKEN_KEY);
    return otherwise;
}

static enum state lex_key(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = peek(lx);
        if (is_space(r)) return check_keyword(lx, KEY_END);
        if (is_separator(r) || r == RUNE_EOF) {
            emit(lx, TOKEN_KEY);
            return KEY_END;
        }
        next(lx);
    }
}

static enum state lex_key_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, KEY_END);
    if (is_separator(r)) return skip(lx, VALUE);
    if (r == RUNE_EOF) {
        emit(lx, TOKEN_EOF);
        return STOPPED;
    }
    backup(lx);
    return VALUE;
}

/* ---- include ---- */

static enum state lex_include_start(struct conf_lexer *lx)
{
    if (is_blank(next(lx))) return skip(lx, INCLUDE_START);
    backup(lx);
    return INCLUDE;
}

static enum state lex_include(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (r == '\'' || r == '"') return skip(lx, r == '"' ? INCLUDE_DQ : INCLUDE_SQ);
    if (r == '[') return fail(lx, "Expected include value but found start of an array");
    if (r == '{') return fail(lx, "Expected include value but found start of a map");
    if (r == '(') return fail(lx, "Expected include value but found start of a block");
    if (is_digit(r) || r == '-')
        return fail(lx, "Expected include value but found start of a number");
    if (r == '\\') return fail(lx, "Expected include value but found escape sequence");
    if (is_newline(r)) return fail(lx, "Expected include value but found new line");
    backup(lx);
    return INCLUDE_STRING;
}

/* Emit what stands before the rune just read, which is dropped. */
static enum state emit_before(struct conf_lexer *lx, enum conf_token_type type)
{
    backup(lx);
    if (type == TOKEN_STRING) emit_string(lx);
    else emit(lx, type);
    next(lx);
    ignore(lx);
    return pop(lx);
}

static enum state quoted_include(struct conf_lexer *lx, char quote, const char *error)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == (unsigned char)quote) return emit_before(lx, TOKEN_INCLUDE);
        if (r == RUNE_EOF) return fail(lx, error);
    }
}

static enum state lex_include_sq(struct conf_lexer *lx)
{
    return quoted_include(lx, '\'', "Unexpected EOF in quoted include");
}

static enum state lex_include_dq(struct conf_lexer *lx)
{
    return quoted_include(lx, '"', "Unexpected EOF in double quoted include");
}

static enum state lex_include_string(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (is_newline(r) || r == RUNE_EOF || r == ';' || r == '}' || is_blank(r)) {
            backup(lx);
            emit(lx, TOKEN_INCLUDE);
            return pop(lx);
        }
        if (r == '\'') return emit_before(lx, TOKEN_INCLUDE);
    }
}

/* ---- values ---- */

static enum state lex_value(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_blank(r)) return skip(lx, VALUE);
    switch (r) {
    case '[':
        ignore(lx);
        emit(lx, TOKEN_ARRAY_START);
        return ARRAY_VALUE;
    case '{':
        ignore(lx);
        emit(lx, TOKEN_MAP_START);
        return MAP_KEY_START;
    case '\'': return skip(lx, SQ_STRING);
    case '"': lx->string_state = DQ_STRING; return skip(lx, DQ_STRING);
    case '-': return NEG_NUMBER_START;
    case '(': return skip(lx, PAREN_BLOCK);
    case '.': return fail(lx, "Floats must start with a digit");
    default: break;
    }
    if (is_newline(r)) return fail(lx, "Expected value but found new line");
    backup(lx);
    if (is_digit(r)) return NUMBER_START;
    lx->string_state = STRING;
    return STRING;
}

static enum state lex_array_value(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, ARRAY_VALUE);
    if (starts_comment(lx, r, ARRAY_VALUE)) return COMMENT_START;
    if (r == '/' || r == ',') return fail(lx, "Unexpected array value terminator ','.");
    if (r == ']') return ARRAY_END;
    backup(lx);
    push(lx, ARRAY_VALUE_END);
    return VALUE;
}

static enum state lex_array_value_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_blank(r)) return skip(lx, ARRAY_VALUE_END);
    if (starts_comment(lx, r, ARRAY_VALUE_END)) return COMMENT_START;
    if (r == '/' || r == ',' || is_newline(r)) return skip(lx, ARRAY_VALUE);
    if (r == ']') return ARRAY_END;
    return fail_rune(lx, "Expected an array value terminator \",\" or an array terminator \"]\", "
                     "but got '", r, "' instead.");
}

static enum state lex_array_end(struct conf_lexer *lx)
{
    ignore(lx);
    emit(lx, TOKEN_ARRAY_END);
    return pop(lx);
}

static enum state lex_map_key_start(struct conf_lexer *lx)
{
    uint32_t r = peek(lx);

    if (is_separator(r)) return fail_rune(lx, "Unexpected key separator '", r, "'.");
    if (r == ']') return fail(lx, "Unexpected array end ']' processing map.");
    if (r == RUNE_EOF) return fail(lx, "Unexpected EOF processing map.");
    if (is_space(r) || r == '}' || r == '\'' || r == '"') {
        next(lx);
        return skip(lx, r == '}' ? MAP_END : r == '\'' ? MAP_SQ_KEY : r == '"' ? MAP_DQ_KEY :
                    MAP_KEY_START);
    }
    if (r == '#' || r == '/') {
        next(lx);
        if (starts_comment(lx, r, MAP_KEY_START)) return COMMENT_START;
    }
    ignore(lx);
    next(lx);
    return MAP_KEY;
}

static enum state quoted_map_key(struct conf_lexer *lx, char quote, const char *error)
{
    for (;;) {
        uint32_t r = peek(lx);
        if (r == RUNE_EOF) return fail(lx, error);
        if (r == (unsigned char)quote) {
            emit(lx, TOKEN_KEY);
            next(lx);
            return skip(lx, MAP_KEY_END);
        }
        next(lx);
    }
}

static enum state lex_map_sq_key(struct conf_lexer *lx)
{
    return quoted_map_key(lx, '\'', "Unexpected EOF processing quoted map key.");
}

static enum state lex_map_dq_key(struct conf_lexer *lx)
{
    return quoted_map_key(lx, '"', "Unexpected EOF processing double quoted map key.");
}

static enum state lex_map_key(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = peek(lx);
        if (r == RUNE_EOF) return fail(lx, "Unexpected EOF processing map key.");
        if (is_space(r)) return check_keyword(lx, MAP_KEY_END);
        if (is_separator(r)) {
            emit(lx, TOKEN_KEY);
            return MAP_KEY_END;
        }
        next(lx);
    }
}

static enum state lex_map_key_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, MAP_KEY_END);
    if (is_separator(r)) return skip(lx, MAP_VALUE);
    backup(lx);
    return MAP_VALUE;
}

static enum state lex_map_value(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_space(r)) return skip(lx, MAP_VALUE);
    if (r == ',') return fail(lx, "Unexpected map value terminator \",\".");
    if (r == '}') return skip(lx, MAP_END);
    backup(lx);
    push(lx, MAP_VALUE_END);
    return VALUE;
}

static enum state lex_map_value_end(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_blank(r)) return skip(lx, MAP_VALUE_END);
    if (starts_comment(lx, r, MAP_VALUE_END)) return COMMENT_START;
    if (r == '/' || r == ';' || r == ',' || is_newline(r)) return skip(lx, MAP_KEY_START);
    if (r == '}') return skip(lx, MAP_END);
    return fail_rune(lx, "Expected a map value terminator \",\" or a map terminator \"}\", "
                     "but got '", r, "' instead.");
}

static enum state lex_map_end(struct conf_lexer *lx)
{
    ignore(lx);
    emit(lx, TOKEN_MAP_END);
    return pop(lx);
}

/* ---- strings ---- */

static enum state lex_sq_string(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == '\'') return emit_before(lx, TOKEN_STRING);
        if (r == RUNE_EOF) return end_of_text(lx);
    }
}

/* The text before a backslash just read belongs to the string. */
static enum state begin_escape(struct conf_lexer *lx)
{
    add_part(lx, span_make(lx->input.p + lx->start, lx->pos - 1 - lx->start));
    return STRING_ESCAPE;
}

static enum state lex_dq_string(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == '\\') return begin_escape(lx);
        if (r == '"') return emit_before(lx, TOKEN_STRING);
        if (r == RUNE_EOF) return end_of_text(lx);
    }
}

static bool is_bool(struct span s)
{
    static const char *const words[] = { "true", "false", "on", "off", "yes", "no" };

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (span_equal_nocase(s, span_of(words[i]))) return true;
    return false;
}

static enum state end_bare_string(struct conf_lexer *lx)
{
    backup(lx);
    if (!lx->has_parts && is_bool(pending(lx))) {
        emit(lx, TOKEN_BOOL);
    } else if (!lx->has_parts && lx->start < lx->input.len && lx->input.p[lx->start] == '$') {
        lx->start++;
        if (lx->start > lx->pos) lx->start = lx->pos;
        emit(lx, TOKEN_VARIABLE);
    } else {
        emit_string(lx);
    }
    return pop(lx);
}

static enum state lex_string(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == '\\') return begin_escape(lx);
        if (is_newline(r) || r == RUNE_EOF || r == ';' || r == ',' || r == ']' || r == '}' ||
            is_blank(r))
            return end_bare_string(lx);
        if (r == '\'') return emit_before(lx, TOKEN_STRING);
    }
}

/* "( ... )" with the closing one alone on its line. */
static enum state lex_paren_block(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == RUNE_EOF) return fail(lx, "Unexpected EOF processing block.");
        if (r != ')' || lx->pos < 2 || lx->input.p[lx->pos - 2] != '\n') continue;
        size_t end = lx->pos;
        bool at_end = end == lx->input.len;     /* then the parenthesis counts as text */
        if (!at_end && lx->input.p[end] != '\n' && lx->input.p[end] != '\0') continue;
        lx->pos = at_end ? end : end - 1;
        emit(lx, TOKEN_STRING);
        lx->pos = end;
        ignore(lx);
        return pop(lx);
    }
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
           c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum state lex_hex_escape(struct conf_lexer *lx)
{
    for (int i = 0; i < 2; i++)
        if (is_newline(next(lx)))
            return fail(lx, "Expected two hexadecimal digits after '\\x', but hit end of line");
    struct span digits = span_make(lx->input.p + lx->pos - 2, 2);
    int high = hex_value(digits.p[0]), low = hex_value(digits.p[1]);
    if (high < 0 || low < 0) {
        lx->parts.len = 0;
        buf_printf(&lx->parts, "Expected two hexadecimal digits after '\\x', but got '%.*s'",
                   SPAN_ARG(digits));
        return fail_text(lx, buf_span(&lx->parts));
    }
    char byte = (char)(high << 4 | low);
    add_part(lx, span_make(&byte, 1));
    return (enum state)lx->string_state;
}

static enum state lex_string_escape(struct conf_lexer *lx)
{
    static const char from[] = "tnr\"\\", to[] = "\t\n\r\"\\";
    uint32_t r = next(lx);
    const char *at = r != RUNE_EOF && r < 0x80 ? strchr(from, (int)r) : NULL;

    if (r == 'x') return lex_hex_escape(lx);
    if (at == NULL)
        return fail_rune(lx, "Invalid escape character '", r, "'. Only the following escape "
                         "characters are allowed: \\xXX, \\t, \\n, \\r, \\\", \\\\.");
    add_part(lx, span_make(to + (at - from), 1));
    return (enum state)lx->string_state;
}

/* ---- numbers, dates, addresses ---- */

static enum state to_string(struct conf_lexer *lx)
{
    lx->string_state = STRING;
    return STRING;
}

static enum state end_number(struct conf_lexer *lx, enum conf_token_type type)
{
    backup(lx);
    emit(lx, type);
    return pop(lx);
}

static enum state expect_digit(struct conf_lexer *lx, enum state to)
{
    uint32_t r = next(lx);

    if (is_digit(r)) return to;
    if (r == '.') return fail(lx, "Floats must start with a digit, not '.'.");
    return fail_rune(lx, "Expected a digit but got '", r, "'.");
}

static enum state lex_number_start(struct conf_lexer *lx)
{
    return expect_digit(lx, NUMBER);
}

/* The rest of "YYYY-MM-DDThh:mm:ssZ". */
static enum state lex_date(struct conf_lexer *lx)
{
    for (const char *form = "00-00T00:00:00Z"; *form != '\0'; form++) {
        uint32_t r = next(lx);
        char before[] = "Expected 'x' in ISO8601 datetime, but found '";
        if (*form == '0' && !is_digit(r))
            return fail_rune(lx, "Expected digit in ISO8601 datetime, but found '", r,
                             "' instead.");
        before[10] = *form;
        if (*form != '0' && r != (unsigned char)*form)
            return fail_rune(lx, before, r, "' instead.");
    }
    emit(lx, TOKEN_DATETIME);
    return pop(lx);
}

static enum state lex_number(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = next(lx);
        if (r == '-') {
            if (lx->pos - lx->start != sizeof "YYYY-" - 1)
                return fail(lx, "All ISO8601 dates must be in full Zulu form.");
            return lex_date(lx);
        }
        if (is_digit(r)) continue;
        if (r == '.') return FLOAT_START;
        if (is_suffix(r)) return CONVENIENT_NUMBER;
        if (!ends_number(r)) return to_string(lx);
        return end_number(lx, TOKEN_INTEGER);
    }
}

static enum state lex_convenient_number(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    while (r == 'b' || r == 'B' || r == 'i' || r == 'I') r = next(lx);
    if (ends_number(r)) return end_number(lx, TOKEN_INTEGER);
    backup(lx);
    return to_string(lx);
}

static enum state lex_neg_number_start(struct conf_lexer *lx)
{
    return expect_digit(lx, NEG_NUMBER);
}

static enum state lex_neg_number(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    while (is_digit(r)) r = next(lx);
    if (r == '.') return FLOAT_START;
    if (is_suffix(r)) return CONVENIENT_NUMBER;
    return end_number(lx, TOKEN_INTEGER);
}

static enum state lex_float_start(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    if (is_digit(r)) return FLOAT_DIGITS;
    return fail_rune(lx, "Floats must have a digit after the '.', but got '", r, "' instead.");
}

static enum state lex_float(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    while (is_digit(r)) r = next(lx);
    if (r == '.') return IP_ADDRESS;
    return end_number(lx, TOKEN_FLOAT);
}

static enum state lex_ip_address(struct conf_lexer *lx)
{
    uint32_t r = next(lx);

    while (is_digit(r) || r == '.' || r == ':' || r == '-') r = next(lx);
    return end_number(lx, TOKEN_STRING);
}

/* ---- comments ---- */

static enum state lex_comment_start(struct conf_lexer *lx)
{
    ignore(lx);
    emit(lx, TOKEN_COMMENT_START);
    return COMMENT;
}

static enum state lex_comment(struct conf_lexer *lx)
{
    for (;;) {
        uint32_t r = peek(lx);
        if (is_newline(r) || r == RUNE_EOF) {
            emit(lx, TOKEN_TEXT);
            return pop(lx);
        }
        next(lx);
    }
}

static enum state (*const run[STATE_COUNT])(struct conf_lexer *lx) = {
    [TOP] = lex_top, [TOP_VALUE_END] = lex_top_value_end, [BLOCK_START] = lex_block_start,
    [BLOCK_VALUE_END] = lex_block_value_end, [BLOCK_END] = lex_block_end,
    [KEY_START] = lex_key_start, [DQ_KEY] = lex_dq_key, [SQ_KEY] = lex_sq_key,
    [INCLUDE_START] = lex_include_start, [INCLUDE] = lex_include, [INCLUDE_SQ] = lex_include_sq,
    [INCLUDE_DQ] = lex_include_dq, [INCLUDE_STRING] = lex_include_string, [KEY] = lex_key,
    [KEY_END] = lex_key_end, [VALUE] = lex_value, [ARRAY_VALUE] = lex_array_value,
    [ARRAY_VALUE_END] = lex_array_value_end, [ARRAY_END] = lex_array_end,
    [MAP_KEY_START] = lex_map_key_start, [MAP_SQ_KEY] = lex_map_sq_key,
    [MAP_DQ_KEY] = lex_map_dq_key, [MAP_KEY] = lex_map_key, [MAP_KEY_END] = lex_map_key_end,
    [MAP_VALUE] = lex_map_value, [MAP_VALUE_END] = lex_map_value_end, [MAP_END] = lex_map_end,
    [SQ_STRING] = lex_sq_string, [DQ_STRING] = lex_dq_string, [STRING] = lex_string,
    [PAREN_BLOCK] = lex_paren_block, [STRING_ESCAPE] = lex_string_escape,
    [NUMBER_START] = lex_number_start, [NUMBER] = lex_number,
    [CONVENIENT_NUMBER] = lex_convenient_number, [NEG_NUMBER_START] = lex_neg_number_start,
    [NEG_NUMBER] = lex_neg_number, [FLOAT_START] = lex_float_start, [FLOAT_DIGITS] = lex_float,
    [IP_ADDRESS] = lex_ip_address, [COMMENT_START] = lex_comment_start, [COMMENT] = lex_comment,
};

void conf_lexer_init(struct conf_lexer *lx, struct span input)
{
    *lx = (struct conf_lexer){ .input = input, .line = 1, .state = TOP };
}

void conf_lexer_fini(struct conf_lexer *lx)
{
    buf_free(&lx->stack);
    buf_free(&lx->parts);
}

struct conf_token conf_lexer_next(struct conf_lexer *lx)
{
    while (!lx->has_token) {
        assert(lx->state != STOPPED);
        lx->state = (int)run[lx->state](lx);
    }
    lx->has_token = false;
    return lx->token;
}
