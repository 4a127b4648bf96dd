// SPDX-License-Identifier: Apache-2.0

// Connection options and callbacks.
//
// Run:  make connection_options && ./connection_options [nats://127.0.0.1:4222]
//       (or set NATS_URL)
//
// NATS_USER and NATS_PASSWORD log in; NATS_CA names the PEM file of the authority that signed
// the server's certificate and turns TLS on. Exits 0 if every callback was called.
//
// libnats 3.4 can't drop a connection and come back by itself on request: the disconnected and
// reconnected callbacks are what reconnect.c shows.
#include "example.h"

static void on_event(natsConnection *nc, void *closure)
{
    (void)nc;
    latch_add(closure);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *closure)
{
    (void)nc;
    (void)sub;
    printf("error: %s\n", natsStatus_GetText(err));
    if (err == NATS_SLOW_CONSUMER) {
        latch_add(closure);
    }
}

// Credentials from the environment, the same for both connections.
static void set_credentials(natsOptions *opts)
{
    if (getenv("NATS_USER") != NULL) {
        check(natsOptions_SetUserInfo(opts, getenv("NATS_USER"), getenv("NATS_PASSWORD")), "user");
    }
    if (getenv("NATS_CA") != NULL) {
        check(natsOptions_SetSecure(opts, true), "tls");
        check(natsOptions_LoadCATrustedCertificates(opts, getenv("NATS_CA")), "ca");
    }
}

// A subscription whose own buffer is full drops messages and says so to the error callback.
static void overflow(natsConnection *nc, natsConnection *other, struct latch *failed)
{
    natsSubscription *slow = NULL;
    check(natsConnection_SubscribeSync(&slow, nc, "options.slow"), "subscribe");
    check(natsSubscription_SetPendingLimits(slow, 1, 1024), "pending limits");
    check(natsConnection_Flush(nc), "flush");
    for (int i = 0; i < 3; i++) {
        check(natsConnection_PublishString(other, "options.slow", "x"), "publish");
    }
    check(natsConnection_Flush(other), "flush");
    latch_wait(failed, 1, 5, "error callback");
    natsSubscription_Destroy(slow);
}

// No echo: of the two messages only the one from the other connection arrives.
static void no_echo(natsConnection *nc, natsConnection *other)
{
    natsSubscription *sub = NULL;
    natsMsg *msg = NULL;
    check(natsConnection_SubscribeSync(&sub, nc, "options.echo"), "subscribe");
    check(natsConnection_PublishString(nc, "options.echo", "mine"), "publish");
    check(natsConnection_Flush(nc), "flush");
    check(natsConnection_PublishString(other, "options.echo", "other's"), "publish");
    check(natsSubscription_NextMsg(&msg, sub, 5000), "next message");
    expect(strncmp(natsMsg_GetData(msg), "other's", 7) == 0, "no echo");
    natsMsg_Destroy(msg);
    natsSubscription_Destroy(sub);
}

int main(int argc, char **argv)
{
    const char *url = server_url(argc, argv);
    natsOptions *opts = NULL;
    natsOptions *plain = NULL;
    natsConnection *nc = NULL;
    natsConnection *other = NULL;
    struct latch closed = LATCH_INIT;
    struct latch disconnected = LATCH_INIT;
    struct latch failed = LATCH_INIT;
    char connected[256];

    check(natsOptions_Create(&opts), "options");
    check(natsOptions_SetURL(opts, url), "url");
    check(natsOptions_SetName(opts, "connection-options"), "name"); // shown by monitoring
    check(natsOptions_SetTimeout(opts, 2000), "timeout");           // milliseconds
    check(natsOptions_SetReconnectWait(opts, 100), "reconnect wait");
    check(natsOptions_SetMaxReconnect(opts, 10), "max reconnect"); // per server; -1: no limit
    check(natsOptions_SetPingInterval(opts, 60000), "ping interval");
    check(natsOptions_SetMaxPingsOut(opts, 3), "max pings out");
    check(natsOptions_SetNoEcho(opts, true), "no echo");
    check(natsOptions_SetDisconnectedCB(opts, on_event, &disconnected), "callback");
    check(natsOptions_SetClosedCB(opts, on_event, &closed), "callback");
    check(natsOptions_SetErrorHandler(opts, on_error, &failed), "callback");
    set_credentials(opts);
    check(natsConnection_Connect(&nc, opts), "connect");
    check(natsConnection_GetConnectedUrl(nc, connected, sizeof connected), "url");
    printf("connected to %s, max_payload %lld\n", connected,
           (long long)natsConnection_GetMaxPayload(nc));

    check(natsOptions_Create(&plain), "options");
    check(natsOptions_SetURL(plain, url), "url");
    set_credentials(plain);
    check(natsConnection_Connect(&other, plain), "connect");

    no_echo(nc, other);
    overflow(nc, other, &failed);

    natsConnection_Close(nc);
    latch_wait(&disconnected, 1, 5, "disconnected callback");
    latch_wait(&closed, 1, 5, "closed callback");

    natsConnection_Destroy(other);
    natsConnection_Destroy(nc);
    natsOptions_Destroy(plain);
    natsOptions_Destroy(opts);
    nats_Close();
    printf("connection_options: ok\n");
    return 0;
}
