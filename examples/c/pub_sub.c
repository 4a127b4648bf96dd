// SPDX-License-Identifier: Apache-2.0

// Publish and subscribe: every subscriber of a subject gets every message.
//
// Run:  make pub_sub && ./pub_sub [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// One service announces orders; two subscriptions listen, one to a single subject, one to all
// subjects below "orders". Exits 0 if both saw what they should, else 1.
#include "example.h"

struct seen {
    struct latch latch;
    int ids[8]; // the orders' numbers, as they came in
};

static void on_created(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    struct seen *seen = closure;
    (void)nc;
    (void)sub;
    printf("on %s: order %.*s\n", natsMsg_GetSubject(msg), natsMsg_GetDataLength(msg),
           natsMsg_GetData(msg));
    if (seen->latch.count < 8) {
        seen->ids[seen->latch.count] = atoi(natsMsg_GetData(msg));
    }
    natsMsg_Destroy(msg); // a callback owns its message
    latch_add(&seen->latch);
}

static void on_any_order(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)nc;
    (void)sub;
    natsMsg_Destroy(msg);
    latch_add(closure);
}

int main(int argc, char **argv)
{
    const char *url = server_url(argc, argv);
    natsConnection *subscriber = NULL;
    natsConnection *publisher = NULL;
    natsSubscription *created = NULL;
    natsSubscription *everything = NULL;
    struct seen seen = {.latch = LATCH_INIT};
    struct latch any = LATCH_INIT;

    check(natsConnection_ConnectTo(&subscriber, url), "connect");
    check(natsConnection_ConnectTo(&publisher, url), "connect");
    check(natsConnection_Subscribe(&created, subscriber, "orders.created", on_created, &seen),
          "subscribe");
    // "*" stands for one token, ">" for one or more at the end.
    check(natsConnection_Subscribe(&everything, subscriber, "orders.>", on_any_order, &any),
          "subscribe");
    // Flush returns when the server has answered a PING, so it has seen both subscriptions.
    check(natsConnection_Flush(subscriber), "flush");

    check(natsConnection_PublishString(publisher, "orders.created", "1"), "publish");
    check(natsConnection_PublishString(publisher, "orders.created", "2"), "publish");
    check(natsConnection_PublishString(publisher, "orders.created", "3"), "publish");
    check(natsConnection_PublishString(publisher, "orders.created.eu", "4"), "publish");
    check(natsConnection_Flush(publisher), "flush");

    latch_wait(&any, 4, 10, "four messages on orders.>");
    latch_wait(&seen.latch, 3, 10, "three messages on orders.created");
    expect(seen.latch.count == 3, "orders.created does not match orders.created.eu");
    expect(seen.ids[0] == 1 && seen.ids[1] == 2 && seen.ids[2] == 3, "messages in order");

    natsSubscription_Destroy(everything);
    natsSubscription_Destroy(created);
    natsConnection_Destroy(publisher);
    natsConnection_Destroy(subscriber);
    nats_Close();
    printf("pub_sub: ok\n");
    return 0;
}
