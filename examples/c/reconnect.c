// SPDX-License-Identifier: Apache-2.0

// Reconnection between several independent servers.
//
// Run:  make reconnect && ./reconnect nats://127.0.0.1:4222 nats://127.0.0.1:4223 [...]
//       and stop the server that it names.
//
// The connection moves to another server of its list and takes its subscriptions along. Exits 0
// if they work there. Independent servers know nothing of each other: two clients meet only
// while they are connected to the same one.
#include "example.h"

static void on_event(natsConnection *nc, void *closure)
{
    (void)nc;
    latch_add(closure);
}

static void receive(natsSubscription *sub, const char *wanted)
{
    natsMsg *msg = NULL;
    check(natsSubscription_NextMsg(&msg, sub, 5000), wanted);
    expect((size_t)natsMsg_GetDataLength(msg) == strlen(wanted) &&
               memcmp(natsMsg_GetData(msg), wanted, strlen(wanted)) == 0,
           wanted);
    natsMsg_Destroy(msg);
}

int main(int argc, char **argv)
{
    const char *defaults[] = {"nats://127.0.0.1:4222", "nats://127.0.0.1:4223"};
    const char **urls = argc > 1 ? (const char **)argv + 1 : defaults;
    int count = argc > 1 ? argc - 1 : 2;
    natsOptions *opts = NULL;
    natsConnection *nc = NULL;
    natsSubscription *sub = NULL;
    struct latch disconnected = LATCH_INIT;
    struct latch reconnected = LATCH_INIT;
    char first[256];
    char second[256];

    check(natsOptions_Create(&opts), "options");
    check(natsOptions_SetServers(opts, urls, count), "servers");
    check(natsOptions_SetReconnectWait(opts, 100), "reconnect wait");
    check(natsOptions_SetMaxReconnect(opts, -1), "max reconnect"); // never give up
    check(natsOptions_SetDisconnectedCB(opts, on_event, &disconnected), "callback");
    check(natsOptions_SetReconnectedCB(opts, on_event, &reconnected), "callback");
    check(natsConnection_Connect(&nc, opts), "connect");
    check(natsConnection_SubscribeSync(&sub, nc, "reconnect.test"), "subscribe");
    check(natsConnection_PublishString(nc, "reconnect.test", "before"), "publish");
    receive(sub, "before");

    check(natsConnection_GetConnectedUrl(nc, first, sizeof first), "url");
    printf("connected to %s: stop that server now\n", first + strlen("nats://"));
    fflush(stdout);
    latch_wait(&disconnected, 1, 60, "the server was stopped");

    // While there is no server, publishes are kept and sent after the reconnect.
    check(natsConnection_PublishString(nc, "reconnect.test", "meanwhile"), "publish");
    latch_wait(&reconnected, 1, 60, "reconnected");
    check(natsConnection_GetConnectedUrl(nc, second, sizeof second), "url");
    printf("reconnected to %s\n", second);
    expect(strcmp(first, second) != 0, "another server than the one stopped");
    receive(sub, "meanwhile");
    check(natsConnection_PublishString(nc, "reconnect.test", "after"), "publish");
    receive(sub, "after");

    natsSubscription_Destroy(sub);
    natsConnection_Destroy(nc);
    natsOptions_Destroy(opts);
    nats_Close();
    printf("reconnect: ok\n");
    return 0;
}
