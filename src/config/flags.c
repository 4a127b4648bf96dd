/* SPDX-License-Identifier: Apache-2.0 */
/* flags.c - Go's flag syntax over the rows of options.def. */
#include "config/flags.h"

#include <errno.h>
#include <stdlib.h>

#include "base/duration.h"
#include "base/mem.h"
#include "config/option_table.h"

struct flag_parser {
    const struct text_list *arguments;
    size_t at;                  /* next argument */
    struct options *o;
    struct flag_values *values;
    struct config_messages *msgs;
};

struct flag {
    const struct option_row *row;
    const char *name;           /* as given, without dashes; not NUL-terminated: see name_len */
    int name_len;
    const char *value;          /* NULL: none was given */
};

/* The flag package prints the usage after its message and ends with success. */
static enum status usage_error(struct flag_parser *p)
{
    p->msgs->show_usage = true;
    p->msgs->exit_code = 0;
    return ST_BAD_INPUT;
}

static enum status bad_value(struct flag_parser *p, const struct flag *f, const char *before,
                             const char *middle, const char *why)
{
    struct buf *out = &p->msgs->errors;

    buf_append_text(out, before);
    buf_append_quoted(out, span_of(f->value));
    buf_printf(out, "%s-%.*s: %s\n", middle, f->name_len, f->name, why);
    return usage_error(p);
}

static enum status parse_bool(struct flag_parser *p, const struct flag *f, bool *out)
{
    static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
    static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

    if (f->value == NULL) {
        *out = true;
        return ST_OK;
    }
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        if (strcmp(f->value, yes[i]) == 0 || strcmp(f->value, no[i]) == 0) {
            *out = strcmp(f->value, yes[i]) == 0;
            return ST_OK;
        }
    }
    return bad_value(p, f, "invalid boolean value ", " for ", "parse error");
}

static enum status parse_integer(struct flag_parser *p, const struct flag *f, int64_t *out)
{
    static const char before[] = "invalid value ", middle[] = " for flag ";
    const char *s = f->value;
    char *end;

    if (*s == '\0' || strchr("+-0123456789", *s) == NULL)
        return bad_value(p, f, before, middle, "parse error");
    errno = 0;
    *out = strtoll(s, &end, 0);
    if (*end != '\0' || end == s) return bad_value(p, f, before, middle, "parse error");
    if (errno == ERANGE) return bad_value(p, f, before, middle, "value out of range");
    if (*out >= f->row->min && *out <= f->row->max) return ST_OK;
    (void)bad_value(p, f, before, middle, "value out of range");
    p->msgs->show_usage = false;        /* a number, but of no use: nats-server fails later on */
    p->msgs->exit_code = 1;
    return ST_BAD_INPUT;
}

static void set_text(char **out, const char *value)
{
    mem_free(*out);
    *out = mem_dup(value);
}

/* -tls=false switches TLS off, whatever the other -tls flags say. */
static enum status set_tls(struct flag_parser *p, const struct flag *f)
{
    enum status st = parse_bool(p, f, &p->values->tls);

    p->values->tls_set = true;
    return st;
}

static enum status set_tls_file(struct flag_parser *p, const struct flag *f, char **out)
{
    set_text(out, f->value);
    p->values->tls_override = true;
    return ST_OK;
}

static enum status set_verbosity(struct flag_parser *p, const struct flag *f)
{
    struct flag_values *v = p->values;
    bool *set = f->row->flag == FLAG_VV ? &v->vv_set : f->row->flag == FLAG_DV ? &v->dv_set
                                                                              : &v->dvv_set;
    bool *value = f->row->flag == FLAG_VV ? &v->vv : f->row->flag == FLAG_DV ? &v->dv : &v->dvv;

    *set = true;
    return parse_bool(p, f, value);
}

/* Of several modes the first in this order wins. */
static enum status set_mode(struct flag_parser *p, const struct flag *f)
{
    static const enum run_mode order[] = {
        RUN_VERSION, RUN_HELP, RUN_HELP_TLS, RUN_SIGNAL, RUN_CHECK_CONFIG,
    };
    enum option_flag flag = f->row->flag;
    enum run_mode mode = flag == FLAG_VERSION ? RUN_VERSION : flag == FLAG_HELP ? RUN_HELP :
                         flag == FLAG_HELP_TLS ? RUN_HELP_TLS : RUN_CHECK_CONFIG;
    bool on = true;

    if (flag == FLAG_SIGNAL) {
        set_text(&p->o->signal_spec, f->value);
        mode = RUN_SIGNAL;
        on = f->value[0] != '\0';
    } else {
        enum status st = parse_bool(p, f, &on);
        if (st != ST_OK) return st;
    }
    if (!on) {
        if (p->o->mode == mode) p->o->mode = RUN_SERVER;
        return ST_OK;
    }
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        if (order[i] == p->o->mode) break;
        if (order[i] != mode) continue;
        p->o->mode = mode;
        break;
    }
    return ST_OK;
}

static enum status set_action(struct flag_parser *p, const struct flag *f)
{
    struct authorization_options *a = &p->o->authorization;

    switch (f->row->flag) {
    case FLAG_CHECK_CONFIG:
    case FLAG_SIGNAL:
    case FLAG_HELP:
    case FLAG_VERSION:
    case FLAG_HELP_TLS: return set_mode(p, f);
    case FLAG_VV:
    case FLAG_DV:
    case FLAG_DVV: return set_verbosity(p, f);
    case FLAG_USER: set_text(&a->username, f->value); break;
    case FLAG_PASS: set_text(&a->password, f->value); break;
    case FLAG_AUTH: set_text(&a->token, f->value); break;
    case FLAG_TLS: return set_tls(p, f);
    case FLAG_TLS_VERIFY:
        p->values->tls_override = true;
        return parse_bool(p, f, &p->values->tls_verify);
    case FLAG_TLS_CERT: return set_tls_file(p, f, &p->values->tls_cert);
    case FLAG_TLS_KEY: return set_tls_file(p, f, &p->values->tls_key);
    case FLAG_TLS_CA_CERT: return set_tls_file(p, f, &p->values->tls_ca_cert);
    case FLAG_NONE: break;
    }
    return ST_OK;
}

static enum status set_unsupported(struct flag_parser *p, const struct flag *f)
{
    bool on = f->value != NULL && f->value[0] != '\0' && strcmp(f->value, "0") != 0;

    if (f->row->boolean) {
        enum status st = parse_bool(p, f, &on);
        if (st != ST_OK) return st;
    }
    if (on && p->values->unsupported == NULL)
        p->values->unsupported = mem_dup_span(span_make(f->name, (size_t)f->name_len));
    return ST_OK;
}

static enum status set_flag(struct flag_parser *p, const struct flag *f)
{
    char *member = (char *)p->o + f->row->offset;
    int64_t n;
    enum status st = ST_OK;

    switch (f->row->type) {
    case OPTION_BOOL: return parse_bool(p, f, (bool *)(void *)member);
    case OPTION_INT:
        st = parse_integer(p, f, &n);
        if (st == ST_OK) *(int *)(void *)member = (int)n;
        return st;
    case OPTION_INT64: return parse_integer(p, f, (int64_t *)(void *)member);
    case OPTION_TEXT: set_text((char **)(void *)member, f->value); return ST_OK;
    case OPTION_FLAG: return set_action(p, f);
    case OPTION_UNSUPPORTED_FLAGS: return set_unsupported(p, f);
    case OPTION_DURATION:
    case OPTION_GROUP:
    case OPTION_BLOCK:
    case OPTION_UNSUPPORTED_KEYS: break;
    }
    return ST_OK;
}

/* "-name", "--name", "-name=value" and, unless boolean, the next argument as value. */
static enum status take_flag(struct flag_parser *p, const char *argument)
{
    struct flag f = { .name = argument + (argument[1] == '-' ? 2 : 1) };
    size_t len = strcspn(f.name, "=");

    if (f.name[0] == '-' || f.name[0] == '=' || f.name[0] == '\0') {
        buf_printf(&p->msgs->errors, "bad flag syntax: %s\n", argument);
        return usage_error(p);
    }
    f.name_len = (int)len;
    if (f.name[len] == '=') f.value = f.name + len + 1;
    for (size_t i = 0; i < option_row_count && f.row == NULL; i++)
        if (option_has_name(option_rows[i].flags, span_make(f.name, len), false))
            f.row = &option_rows[i];
    if (f.row == NULL) {
        buf_printf(&p->msgs->errors, "flag provided but not defined: -%.*s\n", f.name_len, f.name);
        return usage_error(p);
    }
    if (!f.row->boolean && f.value == NULL) {
        if (p->at == p->arguments->count) {
            buf_printf(&p->msgs->errors, "flag needs an argument: -%.*s\n", f.name_len, f.name);
            return usage_error(p);
        }
        f.value = p->arguments->items[p->at++];
    }
    return set_flag(p, &f);
}

/* The first word that is no flag: version or help. */
static enum status take_word(struct flag_parser *p, const char *word)
{
    struct span s = span_of(word);

    if (p->o->mode == RUN_VERSION || p->o->mode == RUN_HELP || p->o->mode == RUN_HELP_TLS)
        return ST_OK;
    if (span_equal_nocase(s, SPAN_LIT("version"))) {
        p->o->mode = RUN_VERSION;
    } else if (span_equal_nocase(s, SPAN_LIT("help"))) {
        p->o->mode = RUN_HELP;
    } else {
        buf_append_text(&p->msgs->errors, "nats-server: unrecognized command: ");
        buf_append_quoted(&p->msgs->errors, s);
        buf_append_char(&p->msgs->errors, '\n');
        p->msgs->exit_code = 1;
        return ST_BAD_INPUT;
    }
    return ST_OK;
}

enum status flags_parse(const struct text_list *arguments, struct options *o,
                        struct flag_values *values, struct config_messages *msgs)
{
    struct flag_parser p = { arguments, 0, o, values, msgs };
    enum status st = ST_OK;

    flag_values_fini(values);
    while (st == ST_OK && p.at < arguments->count) {
        const char *argument = arguments->items[p.at];
        if (argument[0] != '-' || argument[1] == '\0') break;
        p.at++;
        if (strcmp(argument, "--") == 0) break;
        st = take_flag(&p, argument);
    }
    if (st == ST_OK && p.at < arguments->count) st = take_word(&p, arguments->items[p.at]);
    return st;
}

void flag_values_fini(struct flag_values *values)
{
    mem_free(values->tls_cert);
    mem_free(values->tls_key);
    mem_free(values->tls_ca_cert);
    mem_free(values->unsupported);
    *values = (struct flag_values){ 0 };
}
