/* SPDX-License-Identifier: Apache-2.0 */
/* conf_lex.h - tokens of the configuration language. Private to conf_parse.c and its tests. */
#ifndef CONFIG_CONF_LEX_H
#define CONFIG_CONF_LEX_H

#include "base/buf.h"

enum conf_token_type {
    TOKEN_ERROR,                /* text says what is wrong */
    TOKEN_EOF, TOKEN_KEY, TOKEN_TEXT, TOKEN_STRING, TOKEN_BOOL, TOKEN_INTEGER, TOKEN_FLOAT,
    TOKEN_DATETIME, TOKEN_ARRAY_START, TOKEN_ARRAY_END, TOKEN_MAP_START, TOKEN_MAP_END,
    TOKEN_COMMENT_START, TOKEN_VARIABLE, TOKEN_INCLUDE,
};

struct conf_token {
    enum conf_token_type type;
    struct span text;           /* valid until the next call */
    int line, column;
};

struct conf_lexer {
    struct span input;          /* borrowed */
    size_t start, pos, width;   /* of the item so far; of the last rune */
    size_t line_start, item_line_start;
    int line;
    int state;                  /* enum of conf_lex.c */
    int string_state;           /* where to go on after an escape */
    struct buf stack;           /* states to return to, one byte each */
    struct buf parts;           /* the string so far, when it has escapes */
    bool has_parts;
    struct conf_token token;    /* emitted by the running state */
    bool has_token;
};

/* Start at the beginning of input, which must outlive the lexer; free what it holds. */
void conf_lexer_init(struct conf_lexer *lx, struct span input);
void conf_lexer_fini(struct conf_lexer *lx);

/* The next token. Not to be called again after TOKEN_ERROR or TOKEN_EOF. */
struct conf_token conf_lexer_next(struct conf_lexer *lx);

#endif
