// SPDX-License-Identifier: Apache-2.0

// Request and reply: ask a service, wait for its answer.
//
// Run:  make request_reply && ./request_reply [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Exits 0 if the answers are right, and if a request that nobody serves fails at once.
#include "example.h"

static void on_request(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    (void)sub;
    (void)closure;
    const char *name = "no such user";
    if (natsMsg_GetDataLength(msg) == 3 && memcmp(natsMsg_GetData(msg), "123", 3) == 0) {
        name = "Ada";
    }
    natsStatus s = natsConnection_PublishString(nc, natsMsg_GetReply(msg), name);
    if (s != NATS_OK) {
        fprintf(stderr, "reply: %s\n", natsStatus_GetText(s));
    }
    natsMsg_Destroy(msg);
}

// Asks for one user and compares the answer.
static void ask(natsConnection *nc, const char *id, const char *wanted)
{
    natsMsg *reply = NULL;
    check(natsConnection_RequestString(&reply, nc, "user.get", id, 2000), "request");
    printf("user %s: %.*s\n", id, natsMsg_GetDataLength(reply), natsMsg_GetData(reply));
    expect((size_t)natsMsg_GetDataLength(reply) == strlen(wanted) &&
               memcmp(natsMsg_GetData(reply), wanted, strlen(wanted)) == 0,
           wanted);
    natsMsg_Destroy(reply);
}

int main(int argc, char **argv)
{
    const char *url = server_url(argc, argv);
    natsConnection *service = NULL;
    natsConnection *client = NULL;
    natsSubscription *sub = NULL;
    natsMsg *reply = NULL;

    check(natsConnection_ConnectTo(&service, url), "connect");
    check(natsConnection_ConnectTo(&client, url), "connect");
    check(natsConnection_Subscribe(&sub, service, "user.get", on_request, NULL), "subscribe");
    check(natsConnection_Flush(service), "flush");

    ask(client, "123", "Ada");
    ask(client, "7", "no such user");

    // Nobody listens there: the server says so, and the client need not wait for its timeout.
    natsStatus s = natsConnection_RequestString(&reply, client, "user.delete", "", 30000);
    expect(s == NATS_NO_RESPONDERS, "no responders on user.delete");

    natsSubscription_Destroy(sub);
    natsConnection_Destroy(client);
    natsConnection_Destroy(service);
    nats_Close();
    printf("request_reply: ok\n");
    return 0;
}
