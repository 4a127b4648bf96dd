/* SPDX-License-Identifier: Apache-2.0 */
/* stream_expiry.c - max_age: the oldest messages go when they are due.
 *
 * The timer runs for the first message, whose time may have to be read from disk. */
#include "base/duration.h"
#include "jetstream/stream_priv.h"

#define EXPIRE_BUDGET 4096              /* messages per run */
#define NOT_SOONER_NS (10 * NS_PER_MS)  /* a timer for less than this would only be run often */

static struct timers *timers_of(struct stream *s)
{
    return &s->js->home->timers;
}

/* Remove what is due and arm the timer for the first that is not. */
static void expire(struct stream *s)
{
    int64_t now = js_now(s->js), first;

    for (unsigned budget = EXPIRE_BUDGET; budget > 0; budget--) {
        struct msgs_state state = msgs_state(s->msgs);
        if (state.count == 0 || s->config.max_age <= 0) return;
        switch (stream_first_time(s, &first, &s->expiry_wait)) {
        case ST_OK:
            break;
        case ST_AGAIN:
            return;                     /* goes on when it is read */
        default:                        /* damaged: its age is unknown, the operator decides */
            timers_set(timers_of(s), &s->expiry, loop_now(s->js->home) + s->config.max_age);
            return;
        }
        if (first + s->config.max_age > now) {
            int64_t left = first + s->config.max_age - now;
            if (left < NOT_SOONER_NS) left = NOT_SOONER_NS;
            timers_set(timers_of(s), &s->expiry, loop_now(s->js->home) + left);
            return;
        }
        stream_remove(s, state.first_seq);
    }
    timers_set(timers_of(s), &s->expiry, s->js->home->now_ns);
}

void stream_arm_expiry(struct stream *s)
{
    if (s->closed || s->config.sealed) return;
    if (s->config.max_age <= 0) {
        timers_clear(timers_of(s), &s->expiry);
        return;
    }
    expire(s);
}

void stream_on_expiry(struct timer *t, void *loop)
{
    (void)loop;
    expire(CONTAINER_OF(t, struct stream, expiry));
}

void stream_on_expiry_read(struct store_wait *w)
{
    struct stream *s = CONTAINER_OF(w, struct stream, expiry_wait);

    if (!s->closed) expire(s);
}
