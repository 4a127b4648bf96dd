/* SPDX-License-Identifier: Apache-2.0 */
/* options_jetstream.h - jetstream {} of the server and of its accounts, as validated data.
 *
 * What the file and the command line say, not yet what a server makes of it: sizes that the
 * operator left to the server are negative here, and config/jetstream_settings.h puts facts of
 * the machine in their place. Part of struct options (options.h) and of its life. */
#ifndef CONFIG_OPTIONS_JETSTREAM_H
#define CONFIG_OPTIONS_JETSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options;

/* What one account may use. -1: no limit of its own. */
struct jetstream_account_limits {
    int64_t max_memory, max_store;      /* bytes of all streams */
    int64_t max_streams, max_consumers;
    int64_t max_ack_pending;            /* of each consumer */
    int64_t memory_max_stream_bytes;    /* bytes of each stream in memory */
    int64_t store_max_stream_bytes;     /* bytes of each stream on disk */
    bool max_bytes_required;            /* streams must set max_bytes */
};

/* No limits at all, as "jetstream: enabled" gives them. */
#define JETSTREAM_ACCOUNT_LIMITS_NONE \
    { .max_memory = -1, .max_store = -1, .max_streams = -1, .max_consumers = -1, \
      .max_ack_pending = -1, .memory_max_stream_bytes = -1, .store_max_stream_bytes = -1 }

/* The name that the operator gave; the encryption is the same for both (docs/differences.md). */
enum jetstream_cipher { JETSTREAM_CIPHER_CHACHA, JETSTREAM_CIPHER_AES };

enum jetstream_sync {
    JETSTREAM_SYNC_DEFAULT,             /* nothing is said: on disk before the ack */
    JETSTREAM_SYNC_ALWAYS,              /* "always": the same, by the operator's word */
    JETSTREAM_SYNC_INTERVAL,            /* lazy: acked from memory, on disk every sync_interval */
};

/* limits {}: bounds of every account together. 0: none of its own, or the engine's default. */
struct jetstream_limit_options {
    int64_t max_ack_pending;            /* of a consumer */
    int64_t max_ha_assets;              /* of clusters; no effect on one server */
    int64_t max_request_batch;          /* messages of one pull request */
    int64_t duplicate_window_ns;        /* longest that a stream may ask for */
    int64_t max_batch_inflight_per_stream, max_batch_inflight_total;    /* open batch publishes */
    int64_t max_batch_msgs;             /* messages of one batch publish */
    int64_t batch_timeout_ns;           /* from a batch's first message to its commit */
};

struct options_jetstream {
    bool enabled;
    bool strict;                        /* refuse unknown fields in requests; default true */
    char *store_dir;                    /* without the "jetstream" below it; NULL: temporary */
    int64_t max_memory, max_store;      /* bytes of all accounts; -1: as much as the machine has */
    enum jetstream_sync sync;
    int64_t sync_interval_ns;           /* 2 min unless sync is JETSTREAM_SYNC_INTERVAL */
    char *domain;                       /* NULL: none; a valid subject token */
    char *key, *prev_key;               /* secrets of the encryption of files; NULL: none */
    enum jetstream_cipher cipher;
    char *unique_tag;                   /* lower case, trimmed; of clusters; NULL: none */
    char *extension_hint;               /* of leafnodes: no_extend, will_extend; NULL: none */
    struct jetstream_limit_options limits;
    int64_t max_buffered_msgs;          /* messages of a stream not yet stored; 0: default */
    int64_t max_buffered_size;          /* bytes of the same; 0: default */
    int64_t request_queue_limit;        /* API requests that wait; default 10,000 */
    int64_t info_queue_limit;           /* of these, those that only read; default: as above */
    int64_t max_concurrent_io;          /* 4 to 8,192, default 4,096; no effect: one writer */
    int64_t max_outstanding_catchup;    /* bytes; of clusters; 0: default */
    int64_t meta_compact, meta_compact_size;    /* of clusters; 0: default */
    bool meta_compact_sync;             /* of clusters */
};

/* What the account called name may use of JetStream; NULL: nothing. Where the file declares no
 * account but the system account, the global account "$G" may use everything. Says nothing about
 * whether JetStream is enabled. O(accounts). */
const struct jetstream_account_limits *options_jetstream_of(const struct options *o,
                                                            const char *name);

#endif
