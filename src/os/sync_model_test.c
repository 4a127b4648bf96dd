/* SPDX-License-Identifier: Apache-2.0 */
/* sync_model_test.c - every interleaving of small models of the protocols between loops.
 *
 * Each model is a few processes; a step is one atomic operation, or one section under a lock, of
 * the code named beside it, in sequentially consistent order. All schedules are walked. Every model
 * has variants with one safeguard taken away, in which the walk must find the
 * failure: so it can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/span.h"

#define PROCESSES 3

struct state {
    uint8_t pc[PROCESSES];              /* DONE: ended */
    uint8_t reg[PROCESSES];             /* what a process remembers */
    /* mailbox */
    uint8_t mail, received, sleeping, wake;
    /* output queue */
    uint8_t queued, sent, flushing, blocked, armed, duty, room;
    /* retirement */
    uint8_t linked, freed, now, seen, stamp, bad;
};

#define DONE 255
#define ASLEEP 255                      /* UINT64_MAX in sync.h */

/* Make one step of process p; false: it can't go on now. Sets *fork to have the same step walked
 * again with choice 1. */
typedef bool step_f(struct state *s, int p, int choice, int variant, bool *fork);

struct model {
    step_f *step;
    bool (*is_wrong)(const struct state *s, bool stuck);
    int variant;
    long states;
};

/* True when a schedule from s goes wrong. Depth is bounded by the steps of the model. */
static bool goes_wrong(struct model *m, const struct state *s)
{
    bool stuck = true;

    m->states++;
    if (m->is_wrong(s, false)) return true;
    for (int p = 0; p < PROCESSES; p++) {
        for (int choice = 0; choice < 2; choice++) {
            struct state next = *s;
            bool fork = false;
            if (s->pc[p] == DONE || !m->step(&next, p, choice, m->variant, &fork)) break;
            stuck = false;
            if (goes_wrong(m, &next)) return true;
            if (!fork) break;
        }
    }
    return stuck && m->is_wrong(s, true);
}

/* Variant 0 is the code and never goes wrong; all others do. */
static void check(step_f *step, bool (*is_wrong)(const struct state *, bool),
                  const struct state *start, int variants)
{
    for (int v = 0; v < variants; v++) {
        struct model m = { step, is_wrong, v, 0 };
        if (goes_wrong(&m, start) != (v > 0)) fail_msg("variant %d after %ld states", v, m.states);
    }
}

/* ---- mailbox and sleep flag: loop_post twice, sleep_in_poll and run_mail of the receiver ---- */

enum { NO_SECOND_LOOK = 1, FLAG_AFTER_LOOK, NO_WAKE };

static bool step_poster(struct state *s, int p, int variant)
{
    switch (s->pc[p]++) {
    case 0:                             /* sync_mailbox_post: the CAS */
        s->reg[p] = s->mail++ == 0;
        if (!s->reg[p]) s->pc[p] = DONE;
        return true;
    default:                            /* the exchange of sleeping, then poll_wake */
        if (s->sleeping && variant != NO_WAKE) s->wake = 1;
        s->sleeping = 0;
        s->pc[p] = DONE;
        return true;
    }
}

static bool step_mailbox(struct state *s, int p, int choice, int variant, bool *fork)
{
    (void)choice;
    (void)fork;
    if (p > 0) return step_poster(s, p, variant);
    switch (s->pc[0]++) {
    case 0:                             /* sleeping = true */
        if (variant == FLAG_AFTER_LOOK) s->reg[0] = s->mail > 0;
        else s->sleeping = 1;
        return true;
    case 1:                             /* sync_mailbox_is_empty; reg: don't wait */
        if (variant == FLAG_AFTER_LOOK) s->sleeping = 1;
        else s->reg[0] = s->mail > 0 && variant != NO_SECOND_LOOK;
        return true;
    case 2:                             /* poll_wait */
        if (!s->reg[0] && !s->wake) return false;
        s->wake = 0;
        return true;
    case 3:                             /* sleeping = false */
        s->sleeping = 0;
        return true;
    default:                            /* sync_mailbox_take */
        s->received = (uint8_t)(s->received + s->mail);
        s->mail = 0;
        s->pc[0] = s->received == 2 ? DONE : 0;
        return true;
    }
}

static bool is_mail_lost(const struct state *s, bool stuck)
{
    return stuck && s->received != 2;
}

static void no_wake_up_is_lost(void **state)
{
    struct state s = { .pc = { 0 } };

    (void)state;
    check(step_mailbox, is_mail_lost, &s, 4);
}

/* ---- output queue: two loops splice and flush (net/outq.c), the owner answers EPOLLOUT and mail.
 * The socket takes all, or one piece and is full; a turn sends one piece at most. ---- */

enum { NO_ARM = 1, NO_HAND_OVER, FLUSHER_IGNORES_NEW };

/* flush_here: pc is at base on entry; base + 1 between gather and advance. */
static void flush_begin(struct state *s, int p, uint8_t work, uint8_t end)
{
    if (s->flushing || s->blocked || s->queued == 0) {
        s->pc[p] = end;
        return;
    }
    s->flushing = 1;
    s->reg[p] = s->queued;              /* what this turn gathered */
    s->pc[p] = work;
}

static void flush_end(struct state *s, int p, int choice, int variant, uint8_t end)
{
    s->flushing = 0;
    s->pc[p] = end;
    if (choice) {                       /* -EAGAIN: nothing was taken */
        s->blocked = 1;
        if (variant != NO_ARM) s->armed = 1;
        return;
    }
    s->queued--;
    s->sent++;
    if (s->queued == 0) return;
    if (variant == FLUSHER_IGNORES_NEW && s->reg[p] == 1) return;
    if (variant != NO_HAND_OVER) s->duty = 1;           /* CONN_COMMAND_FLUSH */
}

static bool step_outq(struct state *s, int p, int choice, int variant, bool *fork)
{
    if (p > 0) {                        /* a loop: splice; flush; write, advance */
        switch (s->pc[p]) {
        case 0:
            s->queued++;
            s->pc[p] = s->flushing || s->blocked ? DONE : 1;
            return true;
        case 1: flush_begin(s, p, 2, DONE); return true;
        default:
            *fork = s->room > 0;
            if (choice) s->room--;      /* EAGAIN happens so often at most */
            flush_end(s, p, choice, variant, DONE);
            return true;
        }
    }
    switch (s->pc[0]) {                 /* the owner: on_event writable, or run_work */
    case 0:
        if (s->armed) s->armed = s->blocked = 0;
        else if (s->duty) s->duty = 0;
        else return false;
        s->pc[0] = 1;
        return true;
    case 1: flush_begin(s, 0, 2, 0); return true;
    default:
        *fork = s->room > 0;
        if (choice) s->room--;
        flush_end(s, 0, choice, variant, 0);
        return true;
    }
}

static bool is_output_stuck(const struct state *s, bool stuck)
{
    return s->bad || (stuck && s->sent != 2);
}

static void no_output_is_left_behind(void **state)
{
    struct state s = { .room = 3 };

    (void)state;
    check(step_outq, is_output_stuck, &s, 4);
}

/* ---- retirement: one reader that wakes up, iterates twice and sleeps; one that retires ---- */

enum { SLEEP_WHILE_HOLDING = 1, NO_UNLINK_FIRST, SAFE_AT_STAMP };

static void step_reader(struct state *s, int variant)
{
    switch (s->pc[1]++) {
    case 0: case 5: s->reg[1] = s->now; break;          /* sync_epochs_enter: the load, */
    case 1: case 6: s->seen = s->reg[1]; break;         /* the exchange */
    case 2: case 7: s->reg[1] = s->linked; break;       /* a current generation: found */
    case 3: case 8:
        if (variant == SLEEP_WHILE_HOLDING) s->seen = ASLEEP;
        break;
    case 4: case 9:                                     /* used */
        if (s->reg[1] && s->freed) s->bad = 1;
        break;
    default:                                            /* sync_epochs_leave */
        s->seen = ASLEEP;
        s->pc[1] = DONE;
    }
}

static bool step_retire(struct state *s, int p, int choice, int variant, bool *fork)
{
    (void)choice;
    (void)fork;
    if (p == 2) return false;
    if (p == 1) {
        step_reader(s, variant);
        return true;
    }
    switch (s->pc[0]) {
    case 0:                             /* the generation goes up, the node goes */
        if (variant != NO_UNLINK_FIRST) s->linked = 0;
        break;
    case 1: s->stamp = s->now++; break; /* sync_epochs_stamp */
    case 2:                             /* free_retired: sync_epochs_safe */
        if (s->seen != ASLEEP && (variant == SAFE_AT_STAMP ? s->stamp > s->seen
                                                           : s->stamp >= s->seen))
            return false;
        s->freed = 1;
        break;
    default: s->linked = 0; s->pc[0] = DONE; return true;
    }
    s->pc[0]++;
    return true;
}

static bool is_used_after_free(const struct state *s, bool stuck)
{
    return s->bad || (stuck && !s->freed);
}

static void nothing_in_use_is_freed(void **state)
{
    struct state s = { .linked = 1, .now = 1, .seen = ASLEEP };

    (void)state;
    check(step_retire, is_used_after_free, &s, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(no_output_is_left_behind),
        cmocka_unit_test(nothing_in_use_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
