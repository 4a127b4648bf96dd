/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - what answers a request, apart from HTTP. Inside monitor/ only.
 *
 * An endpoint reads the query, gathers from the core and fills the reply. It runs on the
 * monitoring thread and blocks until the loops have answered. */
#ifndef MONITOR_ENDPOINT_H
#define MONITOR_ENDPOINT_H

#include "base/jsonw.h"
#include "core/core.h"
#include "monitor/query.h"

struct js;

#define REPLY_BYTES_MAX (64 * 1024 * 1024)

/* ENDPOINT(name, path, function): every path that is served, besides those that are aliases. */
#define ENDPOINTS \
    ENDPOINT(ROOT, "/", root_serve) \
    ENDPOINT(ACCOUNTZ, "/accountz", accountz_serve) \
    ENDPOINT(ACCSTATZ, "/accstatz", accstatz_serve) \
    ENDPOINT(CONNZ, "/connz", connz_serve) \
    ENDPOINT(EXPVARZ, "/debug/vars", expvarz_serve) \
    ENDPOINT(GATEWAYZ, "/gatewayz", gatewayz_serve) \
    ENDPOINT(HEALTHZ, "/healthz", healthz_serve) \
    ENDPOINT(IPQUEUESZ, "/ipqueuesz", ipqueuesz_serve) \
    ENDPOINT(JSZ, "/jsz", jsz_serve) \
    ENDPOINT(LEAFZ, "/leafz", leafz_serve) \
    ENDPOINT(METRICS, "/metrics", metrics_serve) \
    ENDPOINT(RAFTZ, "/raftz", raftz_serve) \
    ENDPOINT(ROUTEZ, "/routez", routez_serve) \
    ENDPOINT(SUBSZ, "/subsz", subsz_serve) \
    ENDPOINT(VARZ, "/varz", varz_serve)

enum endpoint {
#define ENDPOINT(name, path, function) ENDPOINT_##name,
    ENDPOINTS
#undef ENDPOINT
    ENDPOINT_COUNT
};

struct endpoint_call {
    struct core *core;
    struct js *js;                      /* NULL: JetStream is off */
    const struct query *query;
    const char *base_path;              /* "" or "/x" */
    const char *accept;                 /* header; NULL: none */
    const uint64_t *requests;           /* [ENDPOINT_COUNT] so far, this one included */
    double cpu_percent;                 /* over the last second; 100 is one core */
};

/* The answer. Zero-initialised, body owned by the caller. */
struct reply {
    int status;                         /* HTTP */
    const char *type;                   /* Content-Type */
    bool any_origin;                    /* Access-Control-Allow-Origin: * */
    struct buf body;
};

/* As requests name it. Static storage. */
const char *endpoint_path(enum endpoint e);

/* Which endpoint serves path, decoded and without the base path; ENDPOINT_COUNT: none. */
enum endpoint endpoint_find(struct span path);

/* Answer a call: fill r, which is zero. Blocks until the loops have answered. */
void endpoint_serve(enum endpoint e, const struct endpoint_call *call, struct reply *r);

/* ---- for endpoints ---- */

/* The answer is this JSON, compact as jsonw writes it: shown indented; an answer beyond
 * REPLY_BYTES_MAX becomes a 400 that says so. */
void reply_json(struct reply *r, struct buf *compact);

/* Plain text with this status; text is taken over when it is the body already. */
void reply_text(struct reply *r, int status, const char *text);

#define ENDPOINT(name, path, function) \
    void function(const struct endpoint_call *call, struct reply *r);
ENDPOINTS
#undef ENDPOINT

#endif
