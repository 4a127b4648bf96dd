/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - the log sink of the server: lines in nats-server's format to stderr, a file with
 * rotation, or a system log, as the options say.
 *
 * Lines come from any thread; a mutex orders them and a line reaches its file with one write.
 * Lines that could not be written (full disk) are counted and reported once writing works again.
 * Everything else here is called by the main thread. */
#ifndef SERVER_LOGGER_H
#define SERVER_LOGGER_H

#include "base/span.h"
#include "config/options.h"

struct logger;

/* Open the output that options ask for (log_file before remote_syslog before syslog before
 * stderr) and install the sink. Options are read, not kept. On an error the sink is unchanged
 * and *out is NULL. */
MUST_USE enum status logger_open(const struct options *options, struct logger **out,
                                 struct error *why);

/* Reload: switch to what the new options ask for; on an error nothing changes. Lines of other
 * threads go to the old output or the new one, none is lost. */
MUST_USE enum status logger_reconfigure(struct logger *l, const struct options *options,
                                        struct error *why);

/* SIGUSR1: open the log file anew, for tools that have renamed it, and say so in the log. When
 * that fails the old file stays in use and the log says why. */
void logger_reopen(struct logger *l);

/* Back to the plain sink. No other thread may be logging any more. *l may be NULL. */
void logger_free(struct logger **l);

#endif
