// SPDX-License-Identifier: Apache-2.0

// JetStream: a stream keeps messages, publishers get acks, a durable consumer works them off.
//
// Run:  make jetstream && ./jetstream [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the stream ORDERS and deletes it. Exits 0 if all went
// as it should, else 1.
#include "example.h"

#define ORDERS 26
#define REPLICAS_NOT_SUPPORTED 10074

static void create_stream(jsCtx *js)
{
    const char *subjects[] = {"orders.*"};
    jsStreamConfig config;
    jsErrCode code = 0;

    check(jsStreamConfig_Init(&config), "stream configuration");
    config.Name = "ORDERS";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.MaxAge = (int64_t)7 * 24 * 60 * 60 * 1000 * 1000 * 1000; // nanoseconds
    config.Storage = js_FileStorage;
    config.Replicas = 3;
    natsStatus s = js_AddStream(NULL, js, &config, NULL, &code);
    if (s != NATS_OK && (int)code == REPLICAS_NOT_SUPPORTED) { // this is not a cluster
        printf("three replicas: error %d\n", (int)code);
        config.Replicas = 1;
        s = js_AddStream(NULL, js, &config, NULL, &code);
    }
    check(s, "add the stream");
}

static void publish(jsCtx *js)
{
    for (int id = 1; id < ORDERS; id++) {
        char order[32];
        jsPubAck *ack = NULL;
        int length = snprintf(order, sizeof(order), "%d", id);
        // The message is on disk when the ack is here.
        check(js_Publish(&ack, js, "orders.created", order, length, NULL, NULL), "publish");
        expect(strcmp(ack->Stream, "ORDERS") == 0 && ack->Sequence == (uint64_t)id, "acks");
        jsPubAck_Destroy(ack);
    }
    printf("published %d orders\n", ORDERS - 1);
}

// A message id makes a second attempt harmless.
static void publish_twice(jsCtx *js)
{
    jsPubAck *first = NULL;
    jsPubAck *second = NULL;
    jsPubOptions options;

    check(jsPubOptions_Init(&options), "publish options");
    options.MsgId = "order-26";
    check(js_Publish(&first, js, "orders.created", "26", 2, &options, NULL), "publish");
    check(js_Publish(&second, js, "orders.created", "26", 2, &options, NULL), "publish again");
    expect(!first->Duplicate && second->Duplicate, "the second is a duplicate");
    expect(first->Sequence == second->Sequence, "of the first");
    jsPubAck_Destroy(first);
    jsPubAck_Destroy(second);
}

static void consume(jsCtx *js)
{
    natsSubscription *subscription = NULL;
    jsConsumerInfo *info = NULL;
    jsSubOptions options;
    int count = 0;

    check(jsSubOptions_Init(&options), "subscription options");
    options.Stream = "ORDERS";
    options.Config.AckPolicy = js_AckExplicit;
    options.Config.MaxDeliver = 3;
    check(js_PullSubscribe(&subscription, js, "orders.*", "orders-processor", NULL, &options, NULL),
          "subscribe");
    while (count < ORDERS) {
        natsMsgList list = {NULL, 0};
        check(natsSubscription_Fetch(&list, subscription, 10, 5000, NULL), "fetch");
        for (int i = 0; i < list.Count; i++) {
            count++;
            expect(atoi(natsMsg_GetData(list.Msgs[i])) == count, "orders in order");
            // This returns when the server has taken the ack.
            check(natsMsg_AckSync(list.Msgs[i], NULL, NULL), "ack");
        }
        natsMsgList_Destroy(&list);
    }
    check(natsSubscription_GetConsumerInfo(&info, subscription, NULL, NULL), "consumer info");
    expect(info->NumPending == 0 && info->NumAckPending == 0, "nothing is left");
    printf("processed %d orders\n", count);
    jsConsumerInfo_Destroy(info);
    check(natsSubscription_Unsubscribe(subscription), "unsubscribe");
    natsSubscription_Destroy(subscription);
}

int main(int argc, char **argv)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;

    check(natsConnection_ConnectTo(&nc, server_url(argc, argv)), "connect");
    check(natsConnection_JetStream(&js, nc, NULL), "context");
    create_stream(js);
    publish(js);
    publish_twice(js);
    consume(js);
    check(js_DeleteStream(js, "ORDERS", NULL, NULL), "delete the stream");
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
    nats_Close();
    printf("jetstream: ok\n");
    return 0;
}
