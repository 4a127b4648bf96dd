/* SPDX-License-Identifier: Apache-2.0 */
/* conf_parse.c - tokens into a tree.
 *
 * One struct parser per file or environment value; what they share (the tree, bounds, the names
 * of variables being looked up) is in struct parse_run. Contexts and keys are explicit stacks, as
 * a key may wait for its value longer than its map lasts ("a { b: }"); this is nats-server's
 * reading of such text. Includes recurse, at most CONF_INCLUDE_DEPTH_MAX deep. */
#include "config/conf.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "config/conf_lex.h"
#include "config/conf_path.h"
#include "os/file.h"

struct conf_text {
    struct conf_text *next;
    char bytes[];
};

struct parse_run {
    struct conf *conf;
    const struct conf_world *world;
    size_t bytes_left;
    int depth;                  /* of includes and environment values */
    const struct env_name *env_names;
    struct error *why;
};

struct env_name {               /* being looked up: a chain on the C stack */
    const struct env_name *up;
    struct span name;
};

struct key {
    struct span text;
    int line, column;
};

struct parser {
    struct parse_run *run;
    struct conf_lexer lx;
    const char *file;           /* for messages and includes */
    const struct conf_value *fixed;     /* values of the environment stand where they are used */
    struct conf_list **contexts;
    size_t context_count, context_cap;
    struct key *keys;
    size_t key_count, key_cap;
};

static enum status parse_input(struct parse_run *run, struct span input, const char *file,
                               const struct conf_value *fixed, struct conf_list **root);

/* ---- the tree ---- */

static struct span keep(struct conf *c, struct span s)
{
    struct conf_text *t = mem_alloc(sizeof *t + s.len + 1);

    if (s.len > 0) memcpy(t->bytes, s.p, s.len);
    t->bytes[s.len] = '\0';
    t->next = c->texts;
    c->texts = t;
    return span_make(t->bytes, s.len);
}

static struct conf_list *add_list(struct conf *c)
{
    struct conf_list *l = mem_zero(sizeof *l);

    l->depth = 1;
    l->next = c->lists;
    c->lists = l;
    return l;
}

static struct conf_value *list_find(const struct conf_list *l, struct span key)
{
    size_t at = (size_t)map_get(&l->index, key);

    return at == 0 ? NULL : &l->items[at - 1].value;
}

static void *grown(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) return items;
    *cap = *cap ? *cap * 2 : 8;
    return mem_resize(items, *cap * size);
}

/* Set key of the map l, or append to the array l when key is NULL. */
static enum status list_add(struct parse_run *run, struct conf_list *l, const struct span *key,
                            const struct conf_value *v)
{
    bool is_list = v->type == CONF_ARRAY || v->type == CONF_MAP;
    struct conf_value *old = key != NULL ? list_find(l, *key) : NULL;

    l->weight += 1 + (is_list ? v->list->weight : v->text.len / 16);
    if (is_list && v->list->depth >= l->depth) l->depth = v->list->depth + 1;
    if (l->weight > CONF_WEIGHT_MAX)
        return error_set(run->why, ST_LIMIT, "%s:%d:%d: configuration is too large once variables "
                         "are replaced", v->file, v->line, v->column);
    if (l->depth > CONF_NESTING_MAX)
        return error_set(run->why, ST_LIMIT, "%s:%d:%d: maps and arrays are nested deeper than %d "
                         "levels", v->file, v->line, v->column, CONF_NESTING_MAX);
    if (old != NULL) {
        *old = *v;
        return ST_OK;
    }
    l->items = grown(l->items, l->count, &l->cap, sizeof *l->items);
    l->items[l->count++] = (struct conf_item){ key != NULL ? *key : SPAN_NONE, *v };
    if (key != NULL) (void)map_set(&l->index, *key, (void *)l->count);
    return ST_OK;
}

const struct conf_value *conf_get(const struct conf_value *map, const char *key)
{
    return map->type == CONF_MAP ? list_find(map->list, span_of(key)) : NULL;
}

void conf_free(struct conf *c)
{
    if (c == NULL) return;
    while (c->lists != NULL) {
        struct conf_list *l = c->lists;
        c->lists = l->next;
        map_free(&l->index);
        mem_free(l->items);
        mem_free(l);
    }
    while (c->texts != NULL) {
        struct conf_text *t = c->texts;
        c->texts = t->next;
        mem_free(t);
    }
    mem_free(c);
}

/* ---- contexts, keys, values ---- */

static enum status push_context(struct parser *p, const struct conf_token *t, bool is_map)
{
    struct conf_list *l = add_list(p->run->conf);

    if (p->context_count >= CONF_NESTING_MAX)
        return error_set(p->run->why, ST_LIMIT, "%s:%d:%d: maps and arrays are nested deeper than "
                         "%d levels", p->file, t->line, t->column, CONF_NESTING_MAX);
    l->is_map = is_map;
    p->contexts = grown(p->contexts, p->context_count, &p->context_cap, sizeof *p->contexts);
    p->contexts[p->context_count++] = l;
    return ST_OK;
}

static struct conf_list *context(const struct parser *p)
{
    return p->contexts[p->context_count - 1];
}

static void push_key(struct parser *p, struct key key)
{
    p->keys = grown(p->keys, p->key_count, &p->key_cap, sizeof *p->keys);
    p->keys[p->key_count++] = key;
}

/* Put v where the current context wants it; in a map it takes the place of its key. */
static enum status set_value(struct parser *p, struct conf_value *v)
{
    struct conf_list *into = context(p);

    if (!into->is_map) return list_add(p->run, into, NULL, v);
    if (p->key_count == 0)
        return error_set(p->run->why, ST_BAD_INPUT, "%s:%d:%d: value without a key", v->file,
                         v->line, v->column);
    struct key *key = &p->keys[--p->key_count];
    if (p->fixed == NULL) {
        v->line = key->line;
        v->column = key->column;
    }
    return list_add(p->run, into, &key->text, v);
}

static struct conf_value value_at(const struct parser *p, const struct conf_token *t,
                                  enum conf_type type)
{
    struct conf_value v = { .type = type, .file = p->file, .line = t->line, .column = t->column };

    if (p->fixed != NULL) {
        v.file = p->fixed->file;
        v.line = p->fixed->line;
        v.column = p->fixed->column;
    }
    return v;
}

/* ---- scalars ---- */

/* Factor of a size suffix without case; 0: unknown. */
static int64_t suffix_factor(struct span s)
{
    static const char letters[] = "kmgtpe";
    const char *at;
    int64_t step, factor = 1;

    if (s.len == 0) return 1;
    at = strchr(letters, s.p[0] | 0x20);
    if (at == NULL || *at == '\0') return 0;
    if (s.len == 1) step = 1000;
    else if (span_equal_nocase(span_from(s, 1), SPAN_LIT("b")) ||
             span_equal_nocase(span_from(s, 1), SPAN_LIT("i")) ||
             span_equal_nocase(span_from(s, 1), SPAN_LIT("ib"))) step = 1024;
    else return 0;
    for (const char *l = letters; l <= at; l++) factor *= step;
    return factor;
}

static enum status set_integer(struct parser *p, const struct conf_token *t)
{
    struct conf_value v = value_at(p, t, CONF_INTEGER);
    size_t digits = 0;
    int64_t factor;

    while (digits < t->text.len && (t->text.p[digits] == '-' ||
           (t->text.p[digits] >= '0' && t->text.p[digits] <= '9'))) digits++;
    factor = suffix_factor(span_from(t->text, digits));
    if (factor == 0)
        return error_set(p->run->why, ST_BAD_INPUT, "integer '%.*s' has an unknown suffix",
                         SPAN_ARG(t->text));
    if (!span_to_i64(span_make(t->text.p, digits), &v.integer) ||
        __builtin_mul_overflow(v.integer, factor, &v.integer))
        return error_set(p->run->why, ST_BAD_INPUT, "integer '%.*s' is out of the range",
                         SPAN_ARG(t->text));
    return set_value(p, &v);
}

static enum status set_float(struct parser *p, const struct conf_token *t)
{
    struct conf_value v = value_at(p, t, CONF_FLOAT);

    v.text = keep(p->run->conf, t->text);
    errno = 0;
    v.number = strtod(v.text.p, NULL);
    if (errno == ERANGE && (v.number > 1 || v.number < -1))
        return error_set(p->run->why, ST_BAD_INPUT, "float '%.*s' is out of the range",
                         SPAN_ARG(t->text));
    return set_value(p, &v);
}

static int two_digits(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

/* "YYYY-MM-DDThh:mm:ssZ", whose form the lexer has checked, is a real moment. */
static bool is_moment(const char *p)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = two_digits(p) * 100 + two_digits(p + 2), month = two_digits(p + 5);
    int day = two_digits(p + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month < 1 || month > 12 || day < 1) return false;
    if (day > days[month - 1] + (leap && month == 2)) return false;
    return two_digits(p + 11) < 24 && two_digits(p + 14) < 60 && two_digits(p + 17) < 60;
}

static enum status set_text(struct parser *p, const struct conf_token *t)
{
    struct conf_value v = value_at(p, t, t->type == TOKEN_DATETIME ? CONF_TIME : CONF_STRING);

    if (t->type == TOKEN_DATETIME && !is_moment(t->text.p))
        return error_set(p->run->why, ST_BAD_INPUT,
                         "expected Zulu formatted DateTime, but got '%.*s'", SPAN_ARG(t->text));
    v.text = keep(p->run->conf, t->text);
    return set_value(p, &v);
}

static enum status set_bool(struct parser *p, const struct conf_token *t)
{
    struct conf_value v = value_at(p, t, CONF_BOOL);

    v.boolean = span_equal_nocase(t->text, SPAN_LIT("true")) ||
                span_equal_nocase(t->text, SPAN_LIT("yes")) ||
                span_equal_nocase(t->text, SPAN_LIT("on"));
    return set_value(p, &v);
}

static enum status set_list(struct parser *p, const struct conf_token *t)
{
    struct conf_value v = value_at(p, t, t->type == TOKEN_MAP_END ? CONF_MAP : CONF_ARRAY);

    assert(p->context_count > 1);
    v.list = p->contexts[--p->context_count];
    return set_value(p, &v);
}

/* ---- variables ---- */

/* The value of an environment variable is read as the value of a key. */
static enum status set_from_env(struct parser *p, const struct conf_token *t, const char *text)
{
    struct conf_value at = value_at(p, t, CONF_STRING), *found;
    struct parse_run *run = p->run;
    struct env_name name = { run->env_names, keep(run->conf, t->text) };
    int line = t->line;
    struct conf_list *root;
    struct buf input = { 0 };
    enum status st;

    if (run->depth >= CONF_INCLUDE_DEPTH_MAX)
        return error_set(run->why, ST_LIMIT, "variable reference for '%.*s' on line %d: variables "
                         "refer to each other more than %d deep", SPAN_ARG(name.name), line,
                         CONF_INCLUDE_DEPTH_MAX);
    run->env_names = &name;
    run->depth++;
    buf_printf(&input, "pk=%s", text);
    st = parse_input(run, buf_span(&input), "", p->fixed != NULL ? p->fixed : &at, &root);
    buf_free(&input);
    run->depth--;
    run->env_names = name.up;
    if (st != ST_OK) {
        struct error inner = *run->why;
        return error_set(run->why, st, "variable reference for '%.*s' on line %d could not be "
                         "parsed: %.300s", SPAN_ARG(name.name), line, inner.text);
    }
    found = list_find(root, SPAN_LIT("pk"));
    if (found == NULL)
        return error_set(run->why, ST_NOT_FOUND, "variable reference for '%.*s' on line %d can "
                         "not be found", SPAN_ARG(name.name), line);
    at = *found;
    at.used = false;
    return set_value(p, &at);
}

static enum status set_variable(struct parser *p, const struct conf_token *t)
{
    struct parse_run *run = p->run;
    struct conf_value v, at = value_at(p, t, CONF_STRING);
    const char *text = NULL;

    if (span_has_prefix(t->text, SPAN_LIT("2a$"))) {    /* a bcrypt hash, not a reference */
        v = at;
        v.text = keep(run->conf, span_make(t->text.p - 1, t->text.len + 1));
        return set_value(p, &v);
    }
    for (size_t i = p->context_count; i-- > 0;) {
        struct conf_value *found = list_find(p->contexts[i], t->text);
        if (found == NULL) continue;
        found->used = true;
        v = *found;
        v.used = false;
        v.file = at.file;
        v.line = at.line;
        v.column = at.column;
        return set_value(p, &v);
    }
    for (const struct env_name *n = run->env_names; n != NULL; n = n->up)
        if (span_equal(n->name, t->text))
            return error_set(run->why, ST_BAD_INPUT, "variable reference for '%.*s' on line %d "
                             "could not be parsed: variable reference cycle for '%.*s'",
                             SPAN_ARG(t->text), t->line, SPAN_ARG(t->text));
    if (run->world->env != NULL && memchr(t->text.p, '\0', t->text.len) == NULL)
        text = run->world->env(run->world->context, keep(run->conf, t->text).p);
    if (text == NULL)
        return error_set(run->why, ST_NOT_FOUND, "variable reference for '%.*s' on line %d can "
                         "not be found", SPAN_ARG(t->text), t->line);
    return set_from_env(p, t, text);
}

/* ---- files ---- */

static enum status parse_path(struct parse_run *run, const char *path, struct conf_list **root)
{
    struct buf input = { 0 };
    size_t bytes_max = run->bytes_left < CONF_FILE_BYTES_MAX ? run->bytes_left
                                                             : CONF_FILE_BYTES_MAX;
    enum status st = ST_UNSUPPORTED;

    if (run->world->read == NULL)
        st = error_set(run->why, st, "open %s: files can't be read here", path);
    else
        st = run->world->read(run->world->context, path, bytes_max, &input, run->why);
    if (st == ST_OK) {
        run->bytes_left -= input.len;
        st = parse_input(run, buf_span(&input), keep(run->conf, span_of(path)).p, NULL, root);
    }
    buf_free(&input);
    return st;
}

static enum status include(struct parser *p, const struct conf_token *t)
{
    struct parse_run *run = p->run;
    char *path = conf_path_join(span_of(p->file), t->text);
    struct span name = keep(run->conf, t->text);
    struct conf_list *root = NULL;
    enum status st;

    if (run->depth >= CONF_INCLUDE_DEPTH_MAX) {
        st = error_set(run->why, ST_LIMIT, "%s:%d:%d: files include each other more than %d deep",
                       p->file, t->line, t->column, CONF_INCLUDE_DEPTH_MAX);
    } else {
        run->depth++;
        st = parse_path(run, path, &root);
        run->depth--;
        if (st != ST_OK && st != ST_LIMIT) {        /* a bound speaks for itself, however deep */
            struct error inner = *run->why;
            (void)error_set(run->why, st, "error parsing include file '%.*s', %.300s",
                            SPAN_ARG(name), inner.text);
        }
    }
    for (size_t i = 0; st == ST_OK && i < root->count; i++) {
        struct conf_value v = root->items[i].value;
        push_key(p, (struct key){ root->items[i].key, v.line, v.column });
        st = set_value(p, &v);
    }
    mem_free(path);
    return st;
}

/* ---- the loop ---- */

static enum status take_token(struct parser *p, const struct conf_token *t)
{
    switch (t->type) {
    case TOKEN_ERROR:
        return error_set(p->run->why, ST_BAD_INPUT, "Parse error on line %d: '%.*s'", t->line,
                         SPAN_ARG(t->text));
    case TOKEN_KEY:
        push_key(p, (struct key){ keep(p->run->conf, t->text), t->line, t->column });
        return ST_OK;
    case TOKEN_MAP_START: return push_context(p, t, true);
    case TOKEN_ARRAY_START: return push_context(p, t, false);
    case TOKEN_MAP_END:
    case TOKEN_ARRAY_END: return set_list(p, t);
    case TOKEN_STRING:
    case TOKEN_DATETIME: return set_text(p, t);
    case TOKEN_INTEGER: return set_integer(p, t);
    case TOKEN_FLOAT: return set_float(p, t);
    case TOKEN_BOOL: return set_bool(p, t);
    case TOKEN_VARIABLE: return set_variable(p, t);
    case TOKEN_INCLUDE: return include(p, t);
    case TOKEN_EOF:
    case TOKEN_TEXT:
    case TOKEN_COMMENT_START: break;
    }
    return ST_OK;
}

static enum status parse_input(struct parse_run *run, struct span input, const char *file,
                               const struct conf_value *fixed, struct conf_list **root)
{
    struct parser p = { .run = run, .file = file, .fixed = fixed };
    struct conf_token t = { .type = TOKEN_EOF, .line = 1 };
    bool last_is_key = false;
    enum status st;

    conf_lexer_init(&p.lx, input);
    st = push_context(&p, &t, true);
    *root = p.contexts[0];
    while (st == ST_OK) {
        t = conf_lexer_next(&p.lx);
        if (t.type == TOKEN_EOF) {
            /* A last '}' closes braces around everything, as in JSON. */
            if (last_is_key && !span_is(p.keys[p.key_count - 1].text, "}"))
                st = error_set(run->why, ST_BAD_INPUT, "config is invalid (%s:%d:%d)", file,
                               t.line, t.column);
            break;
        }
        last_is_key = t.type == TOKEN_KEY;
        st = take_token(&p, &t);
    }
    conf_lexer_fini(&p.lx);
    mem_free(p.contexts);
    mem_free(p.keys);
    return st;
}

static enum status parse_all(const struct conf_world *world, const char *path, struct span text,
                             struct conf **out, struct error *why)
{
    struct error scratch = { "" };
    struct conf *c = mem_zero(sizeof *c);
    struct parse_run run = { .conf = c, .world = world, .bytes_left = CONF_TOTAL_BYTES_MAX,
                             .why = why != NULL ? why : &scratch };
    struct conf_list *root = NULL;
    enum status st = path != NULL ? parse_path(&run, path, &root)
                                  : parse_input(&run, text, "", NULL, &root);

    if (st != ST_OK) {
        conf_free(c);
        return st;
    }
    c->root = (struct conf_value){ .type = CONF_MAP, .file = "", .list = root };
    *out = c;
    return ST_OK;
}

static enum status world_read(void *context, const char *path, size_t bytes_max, struct buf *out,
                              struct error *why)
{
    (void)context;
    return file_read(path, bytes_max, out, why);
}

static const char *world_env(void *context, const char *name)
{
    (void)context;
    return env_get(name);
}

const struct conf_world conf_world_os = { world_read, world_env, NULL };

enum status conf_parse_file(const struct conf_world *world, const char *path, struct conf **out,
                            struct error *why)
{
    return parse_all(world, path, SPAN_NONE, out, why);
}

enum status conf_parse_text(const struct conf_world *world, struct span text, struct conf **out,
                            struct error *why)
{
    return parse_all(world, NULL, text, out, why);
}
