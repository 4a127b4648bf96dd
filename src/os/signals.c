/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c - signalfd(2). */
#include "os/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/assert.h"

static const struct {
    int number;
    enum process_signal signal;
} handled[] = {
    { SIGINT, PROCESS_INT }, { SIGTERM, PROCESS_TERM }, { SIGHUP, PROCESS_HUP },
    { SIGUSR1, PROCESS_USR1 }, { SIGUSR2, PROCESS_USR2 },
};

static void handled_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < COUNT_OF(handled); i++) sigaddset(set, handled[i].number);
}

enum status signals_init(struct signals *s, struct error *why)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigset_t set;
    int rc;

    handled_set(&set);
    s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->fd < 0) return error_set(why, ST_IO, "signalfd: %s", strerror(errno));
    rc = pthread_sigmask(SIG_BLOCK, &set, NULL);
    assert(rc == 0);
    rc = sigaction(SIGPIPE, &ignore, NULL);
    assert(rc == 0);
    rc = sigaction(SIGXFSZ, &ignore, NULL);     /* write(2) then gives EFBIG */
    assert(rc == 0);
    return ST_OK;
}

void signals_fini(struct signals *s)
{
    struct sigaction normal = { .sa_handler = SIG_DFL };
    sigset_t set;

    if (s->fd < 0) return;
    close(s->fd);
    s->fd = -1;
    handled_set(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    (void)sigaction(SIGPIPE, &normal, NULL);
    (void)sigaction(SIGXFSZ, &normal, NULL);
}

enum status signals_next(struct signals *s, enum process_signal *signal)
{
    struct signalfd_siginfo info;
    ssize_t n;

    do n = read(s->fd, &info, sizeof(info));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(info)) return ST_AGAIN;
    for (size_t i = 0; i < COUNT_OF(handled); i++) {
        if (info.ssi_signo != (uint32_t)handled[i].number) continue;
        *signal = handled[i].signal;
        return ST_OK;
    }
    unreachable();
}

const char *signals_text(enum process_signal signal)
{
    static const char *const texts[] = {
        [PROCESS_INT] = "interrupt", [PROCESS_TERM] = "terminated", [PROCESS_KILL] = "killed",
        [PROCESS_HUP] = "hangup", [PROCESS_USR1] = "user defined signal 1",
        [PROCESS_USR2] = "user defined signal 2",
    };

    return texts[signal];
}
