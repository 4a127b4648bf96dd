/* SPDX-License-Identifier: Apache-2.0 */
/* poll.h - readiness of descriptors: epoll, level-triggered. One set per loop; arming a descriptor
 * may be done by any thread, waiting only by the owner. */
#ifndef OS_POLL_H
#define OS_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define POLL_EVENTS_MAX 256

struct poll_set {
    int fd;
    int wake_fd;                /* an eventfd in the set, see poll_wake */
};

struct poll_event {
    void *data;                 /* as given to poll_add */
    bool readable, writable, failed;
};

enum status poll_init(struct poll_set *p);      /* IO: out of descriptors */
void poll_fini(struct poll_set *p);

/* Watch fd. data comes back with its events. IO: the kernel refused. */
enum status poll_add(struct poll_set *p, int fd, void *data, bool read, bool write);
void poll_change(struct poll_set *p, int fd, void *data, bool read, bool write);
void poll_remove(struct poll_set *p, int fd);

/* Wait up to timeout_ms (-1: for ever; 0: only look) and fill events; returns how many. A wake-up
 * is swallowed and not reported. */
int poll_wait(struct poll_set *p, struct poll_event *events, int timeout_ms);

/* End the current or the next poll_wait. Callable from any thread, async-signal-safe. */
void poll_wake(struct poll_set *p);

#endif
