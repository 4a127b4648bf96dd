/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - what the command line asks for. */
#include <stdio.h>

#include "base/mem.h"
#include "core/core.h"
#include "server/server.h"
#include "server/signal_cmd.h"

static int send_signal(const struct options *o)
{
    struct buf why = { 0 };
    enum status st = signal_cmd_run(o->signal_spec, &why);

    if (st != ST_OK) fprintf(stderr, "nats-server: %s\n", buf_text(&why));
    buf_free(&why);
    return st == ST_OK ? 0 : 1;
}

static int print(char *text)
{
    fputs(text, stdout);
    mem_free(text);
    return 0;
}

static int run_server(struct options *o)
{
    struct server *s;
    struct error why = { "" };
    int code;

    if (server_start(&s, o, &why) != ST_OK) return 1;
    code = server_run(s);
    server_stop(&s);
    return code;
}

static int run(struct options *o)
{
    int code = 0;

    switch (o->mode) {
    case RUN_SERVER: return run_server(o);
    case RUN_VERSION:
        code = print(mem_printf("nats-server: v%s (myelin %s)\n", CORE_NATS_VERSION,
                                MYELIN_VERSION));
        break;
    case RUN_HELP: code = print(config_usage()); break;
    case RUN_HELP_TLS: code = print(config_usage_tls()); break;
    case RUN_CHECK_CONFIG:
        fprintf(stderr, "nats-server: configuration file %s is valid (%s)\n", o->config_file,
                o->config_digest);
        break;
    case RUN_SIGNAL: code = send_signal(o); break;
    }
    options_free(&o);
    return code;
}

int main(int argc, char **argv)
{
    struct config_messages messages = { 0 };
    struct options *o = NULL;
    enum status st = config_load(argc, argv, &o, &messages);
    int code = messages.exit_code;

    config_redact_arguments(argc, argv);
    fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&messages.warnings)));
    if (st != ST_OK) {
        fprintf(stderr, "%.*s", SPAN_ARG(buf_span(&messages.errors)));
        if (messages.show_usage) print(config_usage());
    }
    config_messages_free(&messages);
    return st == ST_OK ? run(o) : code;
}
