/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.h - a snapshot or restore under way, as the engine knows it. On the home loop. */
#ifndef JETSTREAM_TRANSFER_H
#define JETSTREAM_TRANSFER_H

#include "jetstream/js.h"

struct transfer {                       /* embedded */
    struct list link;                   /* in js->transfers */
    void (*stop)(struct transfer *t);   /* give up without a word; takes it out of the list */
};

static inline void transfer_begin(struct js *js, struct transfer *t)
{
    list_append(&js->transfers, &t->link);
}

static inline void transfer_end(struct transfer *t)
{
    list_remove(&t->link);
}

/* The process ends: what is half restored is deleted. */
static inline void transfers_stop(struct js *js)
{
    while (!list_is_empty(&js->transfers)) {
        struct transfer *t = CONTAINER_OF(js->transfers.next, struct transfer, link);
        t->stop(t);
    }
}

#endif
