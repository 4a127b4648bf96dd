/* SPDX-License-Identifier: Apache-2.0 */
/* load_main.c - options and start-up of the load generator.
 *
 * Exit status: 0 all messages arrived and nothing else did; 1 the run failed;
 * 2 it could not be started. README.md in this folder explains the figures. */
#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage_text[] =
    "usage: load [options] MODE\n"
    "modes\n"
    "  pub    -p publishers, nobody listens\n"
    "  fan    -p publishers to one subject, -s subscribers (with -q GROUP they share)\n"
    "  pair   -p publishers, each to a subscriber of its own\n"
    "  req    -p requesters with -w requests in flight each, -s responders\n"
    "  idle   -C connections that do nothing (-u: with a subscription each)\n"
    "  subs   -C subscriptions on one connection, -D distinct subjects published\n"
    "  hot    -p publishers, one subject, one subscriber; stops and continues the\n"
    "         server (-P); -n messages in each of -r rounds\n"
    "  mixed  one publisher, -s subscribers of which half are slow\n"
    "JetStream (each makes its streams; untimed before reading: -n messages in them)\n"
    "  jspub  -p publishers with -w unacknowledged messages each, -N streams, -D\n"
    "         distinct subjects in each; -I: with message ids\n"
    "  jspull one durable consumer, explicit acks, batches of -B\n"
    "  jspush one ordered consumer\n"
    "  kvput, kvget  -D keys, -p clients with -w requests in flight\n"
    "  jsidle -C consumers that do nothing\n"
    "  flush  fdatasync after each 4 KiB in a file of folder -o, for a second; no server\n"
    "options (numbers take k and m)\n"
    "  -a HOST:PORT  numeric IPv4 address (127.0.0.1:4222)\n"
    "  -P PID        the server: report its CPU time and memory\n"
    "  -n N          messages over all publishers (1m)   -z BYTES  payload (16)\n"
    "  -p N  -s N    publishers, subscribers (1, 1)      -w N      in flight (1)\n"
    "  -b BYTES      per write (64 KiB; 1 = one message) -k SECONDS  time limit (30)\n"
    "  -W BYTES      ahead of the slowest subscriber (8m; 0 = no limit)\n"
    "  -C N  -D N    see modes idle and subs (1k, 100k)  -r N  rounds (5)\n"
    "  -K KIND       mix (half literal), literal, star, tail\n"
    "  -S PREFIX     of all subjects (bench)             -q GROUP  queue group\n"
    "  -u            idle: subscribe                     -t  use TLS\n"
    "  -M            memory storage                      -e  jspub: the streams exist\n"
    "  -U USER -X PASSWORD\n";

static const struct {
    const char *name;
    void (*run)(struct load *ld);
} modes[] = {
    {"pub", mode_publish}, {"fan", mode_fan},   {"pair", mode_pair}, {"req", mode_request},
    {"idle", mode_idle},   {"subs", mode_subs}, {"hot", mode_hot},   {"mixed", mode_mixed},
    {"jspub", mode_js_publish}, {"jspull", mode_js_pull}, {"jspush", mode_js_push},
    {"kvput", mode_kv_put}, {"kvget", mode_kv_get}, {"jsidle", mode_js_idle},
    {"flush", mode_flush},
};

static uint64_t parse_number(const char *s, uint64_t min, uint64_t max)
{
    char *end;
    double v = strtod(s, &end);

    if (*end == 'k' || *end == 'm')
        v *= *end++ == 'k' ? 1e3 : 1e6;
    if (end == s || *end != '\0' || !(v >= (double)min && v <= (double)max))
        util_die("%s is not a number from %llu to %llu", s, (unsigned long long)min,
                 (unsigned long long)max);
    return (uint64_t)v;
}

static void parse_option(struct options *o, int letter, const char *arg)
{
    switch (letter) {
    case 'a': o->addr = arg; break;
    case 'P': o->pid = (pid_t)parse_number(arg, 1, INT32_MAX); break;
    case 'n': o->messages = parse_number(arg, 1, 4000000000u); break;
    case 'z': o->payload_bytes = parse_number(arg, 0, 64000000); break;
    case 'p': o->pubs = (uint32_t)parse_number(arg, 1, 10000); break;
    case 's': o->subs = (uint32_t)parse_number(arg, 1, 100000); break;
    case 'w': o->in_flight = (uint32_t)parse_number(arg, 1, 1000000); break;
    case 'b': o->write_bytes = parse_number(arg, 1, 64000000); break;
    case 'k': o->limit_s = (double)parse_number(arg, 1, 3600); break;
    case 'W': o->window_bytes = parse_number(arg, 0, 4000000000u); break;
    case 'C': o->conns = parse_number(arg, 1, 100000000); break;
    case 'D': o->distinct = parse_number(arg, 1, 100000000); break;
    case 'r': o->rounds = parse_number(arg, 1, 1000); break;
    case 'K': o->kind = arg; break;
    case 'S': o->subject = arg; break;
    case 'q': o->queue = arg; break;
    case 'u': o->idle_sub = true; break;
    case 't': o->tls = true; break;
    case 'o': o->folder = arg; break;
    case 'B': o->batch = parse_number(arg, 1, 100000); break;
    case 'N': o->streams = (uint32_t)parse_number(arg, 1, 100000); break;
    case 'M': o->memory = true; break;
    case 'I': o->ids = true; break;
    case 'e': o->existing = true; break;
    case 'U': o->user = arg; break;
    case 'X': o->pass = arg; break;
    case 'h': fputs(usage_text, stdout); exit(0);
    default: fputs(usage_text, stderr); exit(2);
    }
}

static void parse_address(struct load *ld)
{
    const char *colon = strrchr(ld->opt.addr, ':');
    char host[64];

    if (colon == NULL || (size_t)(colon - ld->opt.addr) >= sizeof host)
        util_die("the address is HOST:PORT");
    memcpy(host, ld->opt.addr, (size_t)(colon - ld->opt.addr));
    host[colon - ld->opt.addr] = '\0';
    ld->server.sin_family = AF_INET;
    ld->server.sin_port = htons((uint16_t)parse_number(colon + 1, 1, 65535));
    if (inet_pton(AF_INET, host, &ld->server.sin_addr) != 1)
        util_die("%s is not a numeric IPv4 address", host);
}

/* The same cipher whatever the server prefers, or the figures compare ciphers. */
static SSL_CTX *new_tls(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1)
        util_die("OpenSSL can't be set up for TLS 1.3");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

static void raise_file_limit(void)
{
    struct rlimit rl;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return;
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
}

static void init(struct load *ld)
{
    parse_address(ld);
    raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    ld->max_payload = 1 << 20;
    ld->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (ld->epoll_fd < 0)
        util_die("epoll_create1 failed");
    ld->payload = util_alloc(ld->opt.payload_bytes + 2, 1);
    memset(ld->payload, 'x', ld->opt.payload_bytes);
    memcpy(ld->payload + ld->opt.payload_bytes, "\r\n", 2);
    snprintf(ld->size_text, sizeof ld->size_text, "%zu\r\n", ld->opt.payload_bytes);
    if (ld->opt.tls)
        ld->tls = new_tls();
}

static void fini(struct load *ld)
{
    for (size_t i = 0; i < ld->nconns; i++)
        conn_free(ld->conns[i]);
    run_free_flows(ld);
    ring_free_all(ld);
    SSL_CTX_free(ld->tls);
    close(ld->epoll_fd);
    free(ld->conns);
    free(ld->read_buf);
    free(ld->payload);
}

int main(int argc, char **argv)
{
    struct load ld = {.opt = {.addr = "127.0.0.1:4222", .subject = "bench", .kind = "mix",
                              .messages = 1000000, .conns = 1000, .distinct = 100000,
                              .window_bytes = 8000000, .rounds = 5, .payload_bytes = 16,
                              .write_bytes = 65536, .pubs = 1, .subs = 1, .in_flight = 1,
                              .limit_s = 30, .batch = 100, .streams = 1}};
    int letter;
    size_t i = 0;

    while ((letter = getopt(argc, argv, "a:P:n:z:p:s:w:b:k:W:C:D:r:K:S:q:utU:X:o:B:N:MIeh")) != -1)
        parse_option(&ld.opt, letter, optarg);
    if (optind + 1 != argc)
        parse_option(&ld.opt, '?', NULL);
    ld.opt.mode = argv[optind];
    while (i < sizeof modes / sizeof *modes && strcmp(ld.opt.mode, modes[i].name) != 0)
        i++;
    if (i == sizeof modes / sizeof *modes)
        util_die("no mode %s; -h lists them", ld.opt.mode);
    init(&ld);
    modes[i].run(&ld);
    fflush(stdout);
    fini(&ld);
    return ld.failed ? 1 : 0;
}
