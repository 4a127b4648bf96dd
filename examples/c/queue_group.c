// SPDX-License-Identifier: Apache-2.0

// Queue groups: several workers share the messages of a subject.
//
// Run:  make queue_group && ./queue_group [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Each job goes to exactly one of the workers that named the same queue group. Exits 0 if every
// job was done once and every worker had some.
#include "example.h"

enum { JOBS = 300, WORKERS = 3 };

struct worker {
    natsConnection *nc;
    natsSubscription *sub;
    struct latch *all;
    int done[JOBS]; // how often this worker did each job; written by its callback only
};

static void process_job(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure)
{
    struct worker *w = closure;
    (void)nc;
    (void)sub;
    w->done[atoi(natsMsg_GetData(msg)) % JOBS]++;
    natsMsg_Destroy(msg);
    latch_add(w->all);
}

static void check_shares(const struct worker *workers)
{
    int share[WORKERS] = {0};
    for (int job = 0; job < JOBS; job++) {
        int times = 0;
        for (int i = 0; i < WORKERS; i++) {
            times += workers[i].done[job];
            share[i] += workers[i].done[job];
        }
        expect(times == 1, "each job done once");
    }
    for (int i = 0; i < WORKERS; i++) {
        printf("worker %d: %d jobs\n", i, share[i]);
        expect(share[i] > 0, "every worker had jobs");
    }
}

int main(int argc, char **argv)
{
    const char *url = server_url(argc, argv);
    static struct worker workers[WORKERS];
    struct latch all = LATCH_INIT;
    natsConnection *publisher = NULL;

    for (int i = 0; i < WORKERS; i++) {
        struct worker *w = &workers[i];
        w->all = &all;
        check(natsConnection_ConnectTo(&w->nc, url), "connect");
        check(natsConnection_QueueSubscribe(&w->sub, w->nc, "jobs.process", "workers",
                                            process_job, w),
              "subscribe");
        check(natsConnection_Flush(w->nc), "flush");
    }

    check(natsConnection_ConnectTo(&publisher, url), "connect");
    for (int job = 0; job < JOBS; job++) {
        char text[16];
        snprintf(text, sizeof text, "%d", job);
        // One byte more than the text: the receiver's atoi() needs the final NUL.
        check(natsConnection_Publish(publisher, "jobs.process", text, (int)strlen(text) + 1),
              "publish");
    }
    check(natsConnection_Flush(publisher), "flush");
    latch_wait(&all, JOBS, 10, "all jobs done");
    check_shares(workers);

    natsConnection_Destroy(publisher);
    for (int i = 0; i < WORKERS; i++) {
        natsSubscription_Destroy(workers[i].sub);
        natsConnection_Destroy(workers[i].nc);
    }
    nats_Close();
    printf("queue_group: ok\n");
    return 0;
}
