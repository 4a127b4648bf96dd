/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - one unconnected datagram per message. */
#include "os/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/span.h"
#include "os/clock.h"

static void notify(const char *text)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct span path = span_of(getenv("NOTIFY_SOCKET"));
    socklen_t len;
    int fd;

    if (path.len == 0 || path.len >= sizeof(un.sun_path)) return;
    if (path.p[0] != '/' && path.p[0] != '@') return;
    memcpy(un.sun_path, path.p, path.len);
    if (un.sun_path[0] == '@') un.sun_path[0] = '\0';   /* Linux's abstract name space */
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    (void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&un, len);
    close(fd);
}

void notify_ready(void)
{
    notify("READY=1\n");
}

void notify_reloading(void)
{
    char text[64];

    /* Type=notify-reload requires the moment, on the monotonic clock. */
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)(clock_mono_ns() / 1000));
    notify(text);
}

void notify_stopping(void)
{
    notify("STOPPING=1\n");
}
