/* SPDX-License-Identifier: Apache-2.0 */
/* syslog.c - the address is resolved once, the socket is renewed as needed. */
#include "os/syslog.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/mem.h"
#include "os/clock.h"

#define FACILITY_DAEMON (3 << 3)
#define HOSTNAME_BYTES_MAX 256

struct syslog_link {
    int fd;                     /* -1: not connected */
    struct sockaddr_storage address;
    socklen_t address_len;
    int type;                   /* SOCK_DGRAM or SOCK_STREAM */
    int facility;
    bool local_form;            /* short time, no host name */
    char *tag, *host;
    int64_t next_attempt_ns;    /* mono */
};

static bool reconnect(struct syslog_link *link)
{
    struct timeval wait_max = { .tv_sec = 1 };

    if (link->fd >= 0) close(link->fd);
    link->next_attempt_ns = clock_mono_ns() + NS_PER_S;
    link->fd = socket(link->address.ss_family, link->type | SOCK_CLOEXEC, 0);
    if (link->fd < 0) return false;
    (void)setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &wait_max, sizeof(wait_max));
    if (connect(link->fd, (struct sockaddr *)&link->address, link->address_len) == 0) return true;
    close(link->fd);
    link->fd = -1;
    return false;
}

static bool connect_unix(struct syslog_link *link, struct span path, int type)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    if (path.len == 0 || path.len >= sizeof(un.sun_path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(un.sun_path, path.p, path.len);
    memcpy(&link->address, &un, sizeof(un));
    link->address_len = sizeof(un);
    link->type = type;
    link->local_form = true;
    return reconnect(link);
}

static enum status connect_here(struct syslog_link *link, struct error *why)
{
    static const char *const paths[] = { "/dev/log", "/var/run/syslog", "/var/run/log" };

    link->facility = FACILITY_DAEMON;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        if (connect_unix(link, span_of(paths[i]), SOCK_DGRAM)) return ST_OK;
        if (connect_unix(link, span_of(paths[i]), SOCK_STREAM)) return ST_OK;
    }
    return error_set(why, ST_IO, "Unix syslog delivery error");
}

static enum status connect_inet(struct syslog_link *link, struct span address, int type,
                                struct error *why)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = type };
    struct addrinfo *found = NULL;
    char *host, *colon;
    enum status st = ST_IO;
    int rc;

    address.len = span_find(address, '/');
    host = mem_dup_span(address);
    colon = strrchr(host, ':');
    if (colon == NULL || colon == host || colon[1] == '\0') {
        st = error_set(why, ST_BAD_INPUT, "dial: address %s: missing host or port", host);
        mem_free(host);
        return st;
    }
    *colon = '\0';
    if (host[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        rc = getaddrinfo(host + 1, colon + 1, &hints, &found);
    } else {
        rc = getaddrinfo(host, colon + 1, &hints, &found);
    }
    if (rc != 0) (void)error_set(why, ST_IO, "dial: lookup %s: %s", host, gai_strerror(rc));
    link->type = type;
    for (struct addrinfo *a = found; a != NULL && st != ST_OK; a = a->ai_next) {
        memcpy(&link->address, a->ai_addr, a->ai_addrlen);
        link->address_len = a->ai_addrlen;
        if (reconnect(link)) st = ST_OK;
        else (void)error_set(why, ST_IO, "dial %s: %s", host, strerror(errno));
    }
    if (found != NULL) freeaddrinfo(found);
    mem_free(host);
    return st;
}

static enum status connect_url(struct syslog_link *link, struct span url, struct error *why)
{
    struct span udp = SPAN_LIT("udp://"), tcp = SPAN_LIT("tcp://"), un = SPAN_LIT("unix://");

    if (span_has_prefix(url, udp))
        return connect_inet(link, span_from(url, udp.len), SOCK_DGRAM, why);
    if (span_has_prefix(url, tcp))
        return connect_inet(link, span_from(url, tcp.len), SOCK_STREAM, why);
    if (span_has_prefix(url, un)) {
        url = span_from(url, un.len);
        if (connect_unix(link, url, SOCK_STREAM)) return ST_OK;
        return error_set(why, ST_IO, "dial unix %.*s: %s", SPAN_ARG(url), strerror(errno));
    }
    url.len = span_find(url, ':');
    return error_set(why, ST_BAD_INPUT, "invalid network type: \"%.*s\"", SPAN_ARG(url));
}

enum status syslog_open(const char *url, const char *tag, struct syslog_link **out,
                        struct error *why)
{
    struct syslog_link *link = mem_zero(sizeof(*link));
    char host[HOSTNAME_BYTES_MAX] = "";
    enum status st;

    link->fd = -1;
    link->tag = mem_dup(tag);
    (void)gethostname(host, sizeof(host) - 1);
    link->host = mem_dup(host[0] ? host : "localhost");
    st = url ? connect_url(link, span_of(url), why) : connect_here(link, why);
    if (st != ST_OK) syslog_free(&link);
    *out = link;
    return st;
}

void syslog_free(struct syslog_link **link)
{
    if (*link == NULL) return;
    if ((*link)->fd >= 0) close((*link)->fd);
    mem_free((*link)->tag);
    mem_free((*link)->host);
    mem_free(*link);
    *link = NULL;
}

/* RFC 3339 with the zone, as Go's time.RFC3339. */
static void append_rfc3339(struct buf *out, const struct calendar *t)
{
    int offset = t->utc_offset_s / 60;

    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", t->year, t->month, t->day, t->hour,
               t->minute, t->second);
    if (offset == 0) buf_append_char(out, 'Z');
    else if (offset > 0) buf_printf(out, "+%02d:%02d", offset / 60, offset % 60);
    else buf_printf(out, "-%02d:%02d", -offset / 60, -offset % 60);
}

static void append_line(struct buf *out, const struct syslog_link *link,
                        enum syslog_severity severity, struct span line)
{
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct calendar t = clock_calendar(clock_wall_ns(), false);

    buf_printf(out, "<%d>", link->facility | (int)severity);
    if (link->local_form) {
        buf_printf(out, "%s %2d %02d:%02d:%02d", months[t.month - 1], t.day, t.hour, t.minute,
                   t.second);
    } else {
        append_rfc3339(out, &t);
        buf_printf(out, " %s", link->host);
    }
    buf_printf(out, " %s[%d]: %.*s\n", link->tag, (int)getpid(), SPAN_ARG(line));
}

static bool send_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.p, bytes.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = span_from(bytes, (size_t)n);
    }
    return true;
}

enum status syslog_write(struct syslog_link *link, enum syslog_severity severity,
                         struct span line)
{
    struct buf out = { 0 };
    bool sent;

    append_line(&out, link, severity, line);
    sent = link->fd >= 0 && send_all(link->fd, buf_span(&out));
    if (!sent && clock_mono_ns() >= link->next_attempt_ns)
        sent = reconnect(link) && send_all(link->fd, buf_span(&out));
    if (!sent && link->fd >= 0) {
        close(link->fd);
        link->fd = -1;
    }
    buf_free(&out);
    return sent ? ST_OK : ST_IO;
}
