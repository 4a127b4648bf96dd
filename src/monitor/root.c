/* SPDX-License-Identifier: Apache-2.0 */
/* root.c - the page at /: links to the others. */
#include "monitor/endpoint.h"

static void append_link(struct buf *out, const char *base_path, const char *path, const char *text)
{
    buf_printf(out, "<li><a href=\".%s%s\">%s</a> <code>%s</code></li>\n", base_path, path, text,
               path);
}

void root_serve(const struct endpoint_call *call, struct reply *r)
{
    static const struct { enum endpoint endpoint; const char *text; } links[] = {
        { ENDPOINT_VARZ, "General" }, { ENDPOINT_JSZ, "JetStream" },
        { ENDPOINT_CONNZ, "Connections" }, { ENDPOINT_ACCOUNTZ, "Accounts" },
        { ENDPOINT_ACCSTATZ, "Account Stats" }, { ENDPOINT_SUBSZ, "Subscriptions" },
        { ENDPOINT_ROUTEZ, "Routes" }, { ENDPOINT_LEAFZ, "LeafNodes" },
        { ENDPOINT_GATEWAYZ, "Gateways" }, { ENDPOINT_RAFTZ, "Raft Groups" },
        { ENDPOINT_HEALTHZ, "Health Probe" }, { ENDPOINT_EXPVARZ, "Expvar" },
        { ENDPOINT_METRICS, "Metrics" },
    };
    struct buf *out = &r->body;

    r->status = 200;
    r->type = "text/html; charset=utf-8";
    buf_append_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<title>Myelin</title>\n"
                    "<style>body { font-family: sans-serif; margin: 2em } "
                    "code { color: #777; font-size: 80% }</style>\n</head>\n<body>\n");
    buf_printf(out, "<h1>Myelin %s</h1>\n<p>NATS server, features of nats-server %s.</p>\n<ul>\n",
               MYELIN_VERSION, call->core->identity.version);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        append_link(out, call->base_path, endpoint_path(links[i].endpoint), links[i].text);
    buf_append_text(out, "</ul>\n</body>\n</html>\n");
}
