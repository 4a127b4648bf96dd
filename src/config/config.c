/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - flags, then the file, then the flags again. */
#include "config/config.h"

#include "base/mem.h"
#include "config/flags.h"
#include "config/option_reader.h"
#include "config/options_check.h"
#include "config/options_server.h"

void config_messages_free(struct config_messages *m)
{
    buf_free(&m->warnings);
    buf_free(&m->errors);
    *m = (struct config_messages){ 0 };
}

/* A message of the program, not of a place in the file. */
static enum status fail(struct config_messages *msgs, enum status st, const char *text)
{
    msgs->exit_code = 1;
    buf_printf(&msgs->errors, "nats-server: %s\n", text);
    return st;
}

/* Errors of the file come under one name, warnings first, as nats-server prints them. */
static enum status fail_file(struct config_messages *msgs)
{
    struct buf all = { 0 };

    buf_append_text(&all, "nats-server: ");
    buf_append_span(&all, buf_span(&msgs->warnings));
    buf_append_span(&all, buf_span(&msgs->errors));
    buf_append_char(&all, '\n');
    buf_free(&msgs->warnings);
    buf_free(&msgs->errors);
    msgs->errors = all;
    msgs->exit_code = 1;
    return msgs->unsupported ? ST_UNSUPPORTED : ST_BAD_INPUT;
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

/* A single user or token of the file does not go with users of accounts. */
static void check_exclusive(struct option_reader *r, const struct conf_value *accounts)
{
    bool has_users = false;

    for (size_t i = 0; i < r->o->user_count; i++) has_users |= r->o->users[i].account != NULL;
    if (!has_users || accounts == NULL) return;
    if (is_set(r->o->authorization.username))
        option_error(r, accounts, "Can not have a single user/pass and accounts");
    else if (is_set(r->o->authorization.token))
        option_error(r, accounts, "Can not have a token and accounts");
}

/* Credentials of the command line are set again after the file: they must not disturb it. */
static void forget_flag_credentials(struct options *o)
{
    struct authorization_options *a = &o->authorization;

    mem_free(a->username);
    mem_free(a->password);
    mem_free(a->token);
    a->username = a->password = a->token = NULL;
}

static enum status read_file(struct options *o, struct config_messages *msgs)
{
    struct option_reader r = { .o = o, .msgs = msgs };
    struct error why = { "" };
    struct conf *conf = NULL;
    char digest[72];
    enum status st = conf_parse_file(&conf_world_os, o->config_file, &conf, &why);

    if (st != ST_OK) return fail(msgs, ST_BAD_INPUT, why.text);
    forget_flag_credentials(o);
    options_read(&r, &conf->root);
    check_exclusive(&r, conf_get(&conf->root, "accounts"));
    conf_digest(conf, digest);
    option_set_text(&o->config_digest, span_of(digest));
    map_free(&r.names);
    conf_free(conf);
    if (msgs->errors.len > 0 || (o->mode == RUN_CHECK_CONFIG && msgs->warnings.len > 0))
        return fail_file(msgs);
    return ST_OK;
}

static void apply_verbosity(struct options *o, const struct flag_values *v)
{
    if (v->dv_set) o->debug = o->trace = v->dv;
    if (v->dvv_set) o->debug = o->trace = o->trace_verbose = v->dvv;
    if (v->vv_set) o->trace = o->trace_verbose = v->vv;
}

static enum status apply_tls(struct options *o, const struct flag_values *v,
                             struct config_messages *msgs)
{
    struct tls_options *t;

    if (v->tls_set && !v->tls) {
        tls_options_free(&o->tls);
        return ST_OK;
    }
    if (!v->tls_set && !v->tls_override) return ST_OK;
    if (!is_set(v->tls_cert))
        return fail(msgs, ST_BAD_INPUT, "TLS Server certificate must be present and valid");
    if (!is_set(v->tls_key))
        return fail(msgs, ST_BAD_INPUT, "TLS Server private key must be present and valid");
    t = mem_zero(sizeof *t);
    t->min_version = 0x0303;
    t->verify = v->tls_verify;
    t->certificates = mem_zero(sizeof *t->certificates);
    t->certificate_count = 1;
    t->certificates[0].cert_file = mem_dup(v->tls_cert);
    t->certificates[0].key_file = mem_dup(v->tls_key);
    t->ca_file = is_set(v->tls_ca_cert) ? mem_dup(v->tls_ca_cert) : NULL;
    tls_options_free(&o->tls);
    o->tls = t;
    return ST_OK;
}

static enum status finish(struct options *o, const struct flag_values *v,
                          struct config_messages *msgs)
{
    struct error why = { "" };
    enum status st;

    apply_verbosity(o, v);
    st = apply_tls(o, v, msgs);
    if (st != ST_OK) return st;
    options_complete(o);
    st = options_check(o, &why);
    if (st != ST_OK) return fail(msgs, ST_BAD_INPUT, why.text);
    return ST_OK;
}

static enum status load(struct options *o, struct config_messages *msgs)
{
    struct flag_values v = { 0 };
    enum status st = flags_parse(&o->arguments, o, &v, msgs);

    if (st != ST_OK || o->mode == RUN_VERSION || o->mode == RUN_HELP || o->mode == RUN_HELP_TLS ||
        o->mode == RUN_SIGNAL)
        goto done;
    if (v.unsupported != NULL) {
        struct error why;
        st = error_set(&why, ST_UNSUPPORTED,
                       "flag -%s is not supported by this version of myelin", v.unsupported);
        msgs->unsupported = true;
        st = fail(msgs, st, why.text);
        goto done;
    }
    if (is_set(o->config_file)) {
        st = read_file(o, msgs);
        if (st == ST_OK && o->mode == RUN_CHECK_CONFIG) goto done;
        if (st == ST_OK) st = flags_parse(&o->arguments, o, &v, msgs);
    } else if (o->mode == RUN_CHECK_CONFIG) {
        st = fail(msgs, ST_BAD_INPUT,
                  "must specify [-c, --config] option to check configuration file syntax");
    }
    if (st == ST_OK) st = finish(o, &v, msgs);
done:
    flag_values_fini(&v);
    return st;
}

static enum status load_into(struct options *o, struct options **out, struct config_messages *msgs)
{
    enum status st = load(o, msgs);

    *out = NULL;
    if (st == ST_OK) *out = o;
    else options_free(&o);
    return st;
}

enum status config_load(int argc, char **argv, struct options **out, struct config_messages *msgs)
{
    struct options *o = options_new();

    for (int i = 1; i < argc; i++) text_list_add(&o->arguments, span_of(argv[i]));
    return load_into(o, out, msgs);
}

enum status config_reload(const struct options *running, struct options **out,
                          struct config_messages *msgs)
{
    struct options *o = options_new();

    for (size_t i = 0; i < running->arguments.count; i++)
        text_list_add(&o->arguments, span_of(running->arguments.items[i]));
    return load_into(o, out, msgs);
}

static bool is_secret_flag(const char *argument)
{
    static const char *const names[] = { "user", "pass", "auth" };
    size_t dashes = strspn(argument, "-");

    if (dashes < 1 || dashes > 2) return false;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (span_equal(span_make(argument + dashes, strcspn(argument + dashes, "=")),
                       span_of(names[i])))
            return true;
    return false;
}

void config_redact_arguments(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *value;
        if (!is_secret_flag(argv[i])) continue;
        value = strchr(argv[i], '=');
        if (value != NULL) value++;
        else if (i + 1 < argc) value = argv[++i];
        if (value != NULL) memset(value, '*', strlen(value));
    }
}
