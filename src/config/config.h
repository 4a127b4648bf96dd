/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - command line and configuration file to struct options, and from one struct options
 * to the next (reload). Blocks on files; one thread at a time. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/status.h"
#include "config/options.h"

/* What to tell the operator; lines end in a newline. Zero-initialise. No secrets inside. */
struct config_messages {
    struct buf warnings;        /* to stderr, whether or not loading succeeded */
    struct buf errors;          /* to stderr when it did not */
    bool unsupported;           /* some error is a missing feature */
    bool show_usage;            /* then also config_usage() to stdout */
    int exit_code;              /* of the process when loading failed */
};

void config_messages_free(struct config_messages *m);

/* Read the command line and the file that it names. On OK *out is the caller's; its mode says
 * what to do (for all but RUN_SERVER the rest may be incomplete). Otherwise *out is NULL and msgs
 * says why: BAD_INPUT, or UNSUPPORTED when something is only not supported. Checks everything
 * that nats-server checks at start, except for RUN_CHECK_CONFIG, which stops after the file. */
MUST_USE enum status config_load(int argc, char **argv, struct options **out,
                                 struct config_messages *msgs);

/* Read the file again with the command line that running was made from. As config_load. */
MUST_USE enum status config_reload(const struct options *running, struct options **out,
                                   struct config_messages *msgs);

/* Append what the log of a server that starts should say about legal but doubtful settings, one
 * per line. */
void options_warn(const struct options *o, struct buf *out);

/* Overwrite the values of -user, -pass and -auth where the process list shows them. Call it after
 * config_load, which keeps its own copy. */
void config_redact_arguments(int argc, char **argv);

/* The text of -h; the caller frees it. */
char *config_usage(void);

/* The text of --help_tls; the caller frees it. */
char *config_usage_tls(void);

/* ---- reload ---- */

struct config_change {
    const char *name;           /* as nats-server calls it: "MaxPayload" */
    bool reloadable;
    const char *refusal;        /* why it is not, if the usual text does not tell; or NULL */
    char *old_text, *new_text;  /* secrets redacted */
};

struct config_diff {
    struct config_change *items;
    size_t count;
};

/* What differs between two options, in the order of the table. The caller fini's it. */
void config_diff_init(struct config_diff *d, const struct options *from, const struct options *to);
void config_diff_fini(struct config_diff *d);

/* Whether a change is called name. */
bool config_diff_has(const struct config_diff *d, const char *name);

/* OK when all changes are reloadable; else UNSUPPORTED with nats-server's text in why. */
MUST_USE enum status config_diff_check(const struct config_diff *d, struct error *why);

/* Append every setting as "name: value" lines, secrets redacted: for debugging and tests. */
void options_describe(struct buf *out, const struct options *o);

#endif
