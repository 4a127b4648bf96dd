/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c - poll.h on Linux epoll. */
#include "os/poll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

static uint32_t mask(bool read, bool write)
{
    return (read ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0u) | (write ? (uint32_t)EPOLLOUT : 0u);
}

enum status poll_init(struct poll_set *p)
{
    p->fd = epoll_create1(EPOLL_CLOEXEC);
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (p->fd < 0 || p->wake_fd < 0) return ST_IO;
    return poll_add(p, p->wake_fd, p, true, false);
}

void poll_fini(struct poll_set *p)
{
    if (p->wake_fd >= 0) close(p->wake_fd);
    if (p->fd >= 0) close(p->fd);
    p->fd = p->wake_fd = -1;
}

enum status poll_add(struct poll_set *p, int fd, void *data, bool read, bool write)
{
    struct epoll_event e = { .events = mask(read, write), .data.ptr = data };

    return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) == 0 ? ST_OK : ST_IO;
}

void poll_change(struct poll_set *p, int fd, void *data, bool read, bool write)
{
    struct epoll_event e = { .events = mask(read, write), .data.ptr = data };

    /* ENOENT: the owner has taken the descriptor out meanwhile, which is as good. */
    epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e);
}

void poll_remove(struct poll_set *p, int fd)
{
    epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL);
}

int poll_wait(struct poll_set *p, struct poll_event *events, int timeout_ms)
{
    struct epoll_event got[POLL_EVENTS_MAX];
    int n = epoll_wait(p->fd, got, POLL_EVENTS_MAX, timeout_ms), used = 0;

    assert(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++) {
        uint32_t e = got[i].events;
        if (got[i].data.ptr == p) {
            uint64_t count;
            ssize_t ignored = read(p->wake_fd, &count, sizeof count);
            (void)ignored;
            continue;
        }
        events[used++] = (struct poll_event){
            .data = got[i].data.ptr,
            .readable = e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR),
            .writable = e & EPOLLOUT,
            .failed = e & (EPOLLERR | EPOLLHUP),
        };
    }
    return used;
}

void poll_wake(struct poll_set *p)
{
    uint64_t one = 1;
    ssize_t ignored = write(p->wake_fd, &one, sizeof one);

    (void)ignored;              /* EAGAIN: it is awake enough already */
}
