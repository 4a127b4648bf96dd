/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.h - lines to the local or a remote system log, framed as Go's log/syslog frames them.
 *
 * Own sockets instead of syslog(3): that has one hidden connection per process, can't speak to
 * a remote daemon and can't tell that nobody listens. The caller serialises the calls. */
#ifndef OS_SYSLOG_H
#define OS_SYSLOG_H

#include "base/span.h"
#include "base/status.h"

/* RFC 5424 section 6.2.1; the values are what goes over the wire. */
enum syslog_severity {
    SYSLOG_CRITICAL = 2, SYSLOG_ERROR = 3, SYSLOG_WARNING = 4, SYSLOG_NOTICE = 5,
    SYSLOG_DEBUG = 7,
};

struct syslog_link;

/* Connect. url is "udp://host:port", "tcp://host:port" or "unix:///path" (a stream socket); NULL
 * means the daemon of this machine. tag names the program in each line. Facility: daemon for the
 * local log, kern (0) for a url, as nats-server's. Resolves names: may block for the resolver's
 * time. BAD_INPUT: not such a url. IO: can't connect. */
MUST_USE enum status syslog_open(const char *url, const char *tag, struct syslog_link **out,
                                 struct error *why);

void syslog_free(struct syslog_link **link);    /* *link may be NULL */

/* Send one line (no newline in it). After a failure it connects again, at most once a second;
 * lines in between are lost: IO. A stream peer that does not read holds the caller for at most
 * one second. */
MUST_USE enum status syslog_write(struct syslog_link *link, enum syslog_severity severity,
                                  struct span line);

#endif
