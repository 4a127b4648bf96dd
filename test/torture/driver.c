/* SPDX-License-Identifier: Apache-2.0 */
/* driver.c - the load of a torture run and its record: "driver run" until SIGTERM, "driver drain"
 * until the consumer has nothing left, "driver dump" and "driver replay" for what is stored.
 *
 * Knows nothing of the server but the public protocol; torture.py does the damage meanwhile. */
#include "driver.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORKERS_MAX 64u

static const char usage_text[] =
    "usage: driver run|drain PORT FOLDER SEED RATE WINDOW NAME=COUNT...\n"
    "       driver dump PORT STREAM\n"
    "       driver replay PORT STREAM SILENT_MS\n"
    "workers: append cas dedup kv consume info\n";

static const struct {
    const char *name;
    void (*run)(struct worker *w);
} kinds[] = {
    {"append", worker_append}, {"cas", worker_cas},         {"dedup", worker_dedup},
    {"kv", worker_kv},         {"consume", worker_consume}, {"info", worker_info},
};

struct job {
    struct worker worker;
    void (*run)(struct worker *w);
    pthread_t thread;
};

static volatile sig_atomic_t stop_flag;

static void on_term(int number)
{
    (void)number;
    stop_flag = 1;
}

bool worker_stopped(const struct worker *w)
{
    return *w->set->stop != 0;
}

uint64_t worker_random(struct worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random >> 16;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    nanosleep(&t, NULL);
}

bool worker_ready(struct worker *w)
{
    if (!client_is_lost(&w->client))
        return true;
    if (client_connect(&w->client))
        return true;
    pause_ms(20);
    return false;
}

int worker_due_ms(struct worker *w)
{
    uint64_t now = client_now_ns();

    if (w->due_ns + 100000000u < now)
        w->due_ns = now;                    /* no catching up after an outage */
    return w->due_ns > now ? (int)((w->due_ns - now) / 1000000u) + 1 : 0;
}

void worker_take_turn(struct worker *w)
{
    int wait_ms = worker_due_ms(w);

    if (wait_ms > 0)
        pause_ms(wait_ms);
    w->due_ns += 1000000000u / w->set->rate;
}

void worker_lost(struct worker *w)
{
    client_fini(&w->client);
    fprintf(w->out, "X %" PRIu64 "\n", client_now_ns());
}

static void *run_job(void *arg)
{
    struct job *job = arg;

    job->run(&job->worker);
    return NULL;
}

static void *must(void *p)
{
    if (p == NULL) {
        perror("driver");
        exit(2);
    }
    return p;
}

static void start_job(struct job *job, const struct settings *set, const char *folder, size_t kind,
                      uint32_t number)
{
    struct worker *w = &job->worker;
    char path[512];

    job->run = kinds[kind].run;
    w->set = set;
    w->index = number % 100;
    w->random = (set->seed + 1) * 0x9e3779b97f4a7c15u + number * 7919u + 1;
    w->body = must(malloc(BODY_BYTES_MAX));
    w->scratch = must(malloc(BODY_BYTES_MAX));
    client_init(&w->client, set->port, number);
    snprintf(path, sizeof path, "%s/%s-%s-%u", folder, set->drain ? "drain" : "run",
             kinds[kind].name, number);
    w->out = must(fopen(path, "w"));
    if (pthread_create(&job->thread, NULL, run_job, job) != 0) {
        perror("driver");
        exit(2);
    }
}

static int run(int argc, char **argv)
{
    static struct job jobs[WORKERS_MAX];
    struct settings set = {
        .port = (uint16_t)strtoul(argv[2], NULL, 10),
        .seed = strtoull(argv[4], NULL, 10),
        .rate = (uint32_t)strtoul(argv[5], NULL, 10),
        .window = (uint32_t)strtoul(argv[6], NULL, 10),
        .drain = strcmp(argv[1], "drain") == 0,
        .stop = &stop_flag,
    };
    size_t count = 0, kind;

    if (set.rate == 0 || set.window == 0 || set.window > 1024) {
        fputs(usage_text, stderr);
        return 2;
    }
    for (int i = 7; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        size_t name = value != NULL ? (size_t)(value - argv[i]) : 0;

        for (kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
            if (name == strlen(kinds[kind].name) && memcmp(argv[i], kinds[kind].name, name) == 0)
                break;
        if (value == NULL || kind == sizeof kinds / sizeof kinds[0]) {
            fputs(usage_text, stderr);
            return 2;
        }
        for (uint32_t n = 0; n < strtoul(value + 1, NULL, 10) && count < WORKERS_MAX; n++)
            start_job(&jobs[count++], &set, argv[3], kind, (uint32_t)(kind + 1) * 100 + n);
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(jobs[i].thread, NULL);
        client_fini(&jobs[i].worker.client);
        free(jobs[i].worker.body);
        free(jobs[i].worker.scratch);
        if (fclose(jobs[i].worker.out) != 0) {
            perror("driver: history");
            return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_term};
    uint16_t port = argc > 2 ? (uint16_t)strtoul(argv[2], NULL, 10) : 0;

    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 8 && (strcmp(argv[1], "run") == 0 || strcmp(argv[1], "drain") == 0))
        return run(argc, argv);
    if (argc == 4 && strcmp(argv[1], "dump") == 0)
        return dump_stream(port, argv[3], stdout) && fflush(stdout) == 0 ? 0 : 1;
    if (argc == 5 && strcmp(argv[1], "replay") == 0)
        return dump_replay(port, argv[3], stdout, (int)strtol(argv[4], NULL, 10)) &&
               fflush(stdout) == 0 ? 0 : 1;
    fputs(usage_text, stderr);
    return 2;
}
