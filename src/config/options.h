/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - every setting of the server, as validated data.
 *
 * A struct options is built once from the command line and the configuration file, checked,
 * and never changed afterwards: a reload builds a new one and publishes it. Strings are
 * NUL-terminated and owned by the options (NULL: not set). Times are nanoseconds. */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "config/options_jetstream.h"

struct text_list {
    char **items;
    size_t count;
};

/* ---- who may do what ---- */

/* An allow or deny list; sub entries may be "subject queue". */
struct subject_rules {
    struct text_list allow, deny;
    bool has_allow, has_deny;           /* in force; an empty allow list allows nothing */
};

struct permission_options {             /* counted by nobody: owned by its user or account */
    struct subject_rules publish, subscribe;
    bool has_responses;                 /* allow_responses */
    int64_t responses_max;              /* messages per reply subject; negative: unlimited */
    int64_t responses_ttl_ns;           /* negative: unlimited */
};

struct user_options {
    char *name, *password;              /* password is plain text or a bcrypt hash */
    char *nkey;                         /* public user nkey "U..." instead of name/password */
    char *account;                      /* name; NULL: the global account */
    struct permission_options *permissions;     /* NULL: everything; defaults already applied */
    unsigned connection_types;          /* bits of enum connection_type; 0: all */
    bool proxy_required;                /* refused at start: not supported */
};

enum connection_type {
    CONNECTION_STANDARD = 1 << 0, CONNECTION_WEBSOCKET = 1 << 1, CONNECTION_LEAFNODE = 1 << 2,
    CONNECTION_LEAFNODE_WS = 1 << 3, CONNECTION_MQTT = 1 << 4, CONNECTION_MQTT_WS = 1 << 5,
    CONNECTION_IN_PROCESS = 1 << 6,
};

struct mapping_destination {
    char *subject;
    unsigned weight;                    /* percent, 0..100 */
    char *cluster;                      /* NULL: any */
};

struct mapping_options {
    char *source;
    struct mapping_destination *destinations;
    size_t destination_count;
};

struct account_options {
    char *name;
    char *nkey;                         /* or NULL */
    int64_t max_connections, max_subscriptions, max_payload;    /* -1: no limit of its own */
    struct mapping_options *mappings;
    size_t mapping_count;
    struct permission_options *default_permissions;
    bool has_jetstream;                 /* it may use JetStream, within jetstream_limits */
    struct jetstream_account_limits jetstream_limits;
};

/* authorization{} of a listener */
struct authorization_options {
    char *username, *password, *token;  /* single user or token */
    int64_t timeout_ns;                 /* 0: default */
    struct permission_options *default_permissions;
    char *no_auth_user;                 /* websocket{} has its own; else top level */
};

/* ---- listeners ---- */

struct tls_certificate { char *cert_file, *key_file; };

enum tls_first { TLS_FIRST_NO, TLS_FIRST_YES, TLS_FIRST_AUTO };

struct tls_options {
    struct tls_certificate *certificates;
    size_t certificate_count;
    char *ca_file;
    bool verify, verify_and_map;
    struct text_list cipher_suites, curve_preferences;  /* Go's names, as in the file */
    bool allow_insecure_cipher_suites;
    int min_version;                    /* 0x0303 or 0x0304 */
    int64_t timeout_ns;                 /* 0: default 2 s */
    int64_t connection_rate_limit;      /* handshakes per second; 0: none */
    struct text_list pinned_certs;      /* lower-case hex SHA-256 of the SPKI */
    enum tls_first first;
    int64_t first_fallback_ns;          /* for TLS_FIRST_AUTO */
};

struct websocket_options {
    bool enabled;
    char *host;
    int port;                           /* -1: any free one */
    char *advertise;
    bool no_tls;
    struct tls_options *tls;            /* NULL: none */
    bool same_origin;
    struct text_list allowed_origins;
    int64_t handshake_timeout_ns;       /* default 2 s */
    bool compression;
    struct authorization_options authorization;         /* own override of the top-level one */
    bool has_authorization;
    char *no_auth_user;
    char *jwt_cookie, *user_cookie, *pass_cookie, *token_cookie;
    struct text_list header_names, header_values;       /* added to the 101 response, in step */
    int64_t ping_interval_ns;           /* 0: as clients */
};

struct tag_options { struct text_list tags; struct text_list metadata_keys, metadata_values; };

enum write_timeout { WRITE_TIMEOUT_DEFAULT, WRITE_TIMEOUT_CLOSE, WRITE_TIMEOUT_RETRY };

/* What the command line asks for instead of running a server. */
enum run_mode { RUN_SERVER, RUN_VERSION, RUN_HELP, RUN_HELP_TLS, RUN_CHECK_CONFIG, RUN_SIGNAL };

struct options {
    enum run_mode mode;
    char *signal_spec;                  /* -sl COMMAND[=PID|FILE|GLOB*] */

    /* identity and client listener */
    char *server_name;                  /* NULL: the server id */
    char *host;                         /* "0.0.0.0" */
    int port;                           /* 4222; -1: any free one */
    char *client_advertise;             /* host[:port] */
    struct tag_options tags;
    int loops;                          /* 0: one per core */
    bool loops_spread;                  /* connections to the loops in turn */

    /* logging */
    bool debug, trace, trace_verbose, trace_headers;
    int64_t max_traced_msg_len;         /* 0: no limit */
    bool logtime;                       /* true */
    bool logtime_utc;
    char *log_file;
    int64_t log_size_limit;             /* bytes; 0: none */
    int64_t log_max_num;
    bool syslog;
    char *remote_syslog;
    int64_t connect_error_reports, reconnect_error_reports;

    /* files */
    char *config_file, *pid_file, *ports_file_dir;
    char *config_digest;                /* "sha256:<hex>"; NULL without a file */
    struct text_list arguments;         /* the command line, for reloads; may hold secrets */

    /* monitoring */
    char *http_host;                    /* host of http/https; NULL: as host */
    int http_port, https_port;          /* 0: off; -1: any free one */
    char *http_base_path;               /* "" or "/x" */

    /* limits and timers */
    int64_t max_control_line, max_payload, max_pending;
    int64_t max_connections;            /* -1: refuse all */
    int64_t max_subscriptions;          /* 0: unlimited */
    int64_t max_sub_tokens;             /* 0: unlimited */
    int64_t max_closed_clients;
    int64_t ping_interval_ns, ping_max;
    int64_t write_deadline_ns;
    enum write_timeout write_timeout;
    int64_t lame_duck_duration_ns, lame_duck_grace_period_ns;
    bool no_fast_producer_stall, disable_sublist_cache, no_header_support;

    /* security */
    bool allow_non_tls;
    struct tls_options *tls;            /* NULL: plain */
    struct authorization_options authorization;
    bool has_authorization;             /* the file has the block, maybe an empty one */
    char *no_auth_user;
    char *system_account;               /* name; NULL: "$SYS" */
    bool no_system_account;
    struct user_options *users;         /* of every account and of authorization{} */
    size_t user_count;
    struct account_options *accounts;   /* those of the file; not $G, not an implicit $SYS */
    size_t account_count;
    struct mapping_options *mappings;   /* top level: of the global account */
    size_t mapping_count;

    struct websocket_options websocket;
    struct options_jetstream jetstream;
};

/* Defaults of nats-server 2.15 (its const.go); never NULL. */
struct options *options_new(void);
void options_free(struct options **o);

#endif
