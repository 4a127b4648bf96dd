/* SPDX-License-Identifier: Apache-2.0 */
/* footer.h - the codec of a segment's footer: what recovery needs of the segment's records without
 * reading them. No I/O.
 *
 * Sections: the groups with records here; the places of the records that are no messages, in
 * order; the distinct subjects of each group; the messages in order, without header and body.
 * Precisely: docs/format/store.md. */
#ifndef STORE_FOOTER_H
#define STORE_FOOTER_H

#include "base/buf.h"
#include "store/record.h"

#define FOOTER_MAGIC "MYELFOT1"
#define FOOTER_FIXED_BYTES 64
#define FOOTER_SECTIONS 4

struct footer_slot {
    uint32_t hash, id;                  /* id + 1; 0: free */
};

/* A footer being made. Zero-initialise. */
struct footer {
    struct buf sections[FOOTER_SECTIONS];
    struct footer_group {
        uint32_t number;
        uint64_t index_max, seq;        /* of the message before */
    } *groups;
    struct footer_subject {
        uint64_t at;                    /* of its bytes in the section */
        uint32_t len, group;            /* index in groups */
    } *subjects;
    struct footer_slot *slots, *group_slots;
    uint32_t group_count, group_cap, group_slot_count;
    uint32_t subject_count, subject_cap, slot_count;
    uint32_t state_count, message_count;
    uint64_t state_at, message_at;      /* of the record before */
    int64_t time_ns;
};

/* Add the record that stands at at; in ascending order. Amortised O(extra, subject). */
void footer_add(struct footer *f, const struct record *r, uint64_t at);

/* Append the finished footer to out: of the segment, whose last batch ends at position end. Frees
 * f's memory. O(bytes). */
void footer_finish(struct footer *f, uint32_t segment, uint64_t end, struct buf *out);
void footer_free(struct footer *f);

struct footer_state {                   /* a record that is no message */
    uint8_t kind;
    uint32_t group;
    uint64_t index, at;
};

/* A footer being read. The bytes are borrowed. */
struct footer_view {
    uint32_t segment;
    uint64_t end;
    uint32_t group_count, state_count, subject_count, message_count;
    uint32_t *group_numbers;            /* heap */
    uint64_t *group_index_max, *group_seq;
    struct span *subjects;              /* heap; set by footer_begin_messages */
    const char *p, *stop;               /* in the section being read */
    struct span sections[FOOTER_SECTIONS];
    uint64_t at;
    int64_t time_ns;
};

/* Check the footer in bytes and begin with its state records. DAMAGED: not a footer or a bad one.
 * Then footer_close in any case. O(bytes). */
MUST_USE enum status footer_open(struct span bytes, struct footer_view *v);
void footer_close(struct footer_view *v);

/* The next record that is no message; NOT_FOUND: none is left; DAMAGED. */
MUST_USE enum status footer_next_state(struct footer_view *v, struct footer_state *out);

/* Go to the messages. DAMAGED. O(subjects). */
MUST_USE enum status footer_begin_messages(struct footer_view *v);

/* The next message: r without header, body, index; extra and subject apart; *subject its number,
 * below subject_count. NOT_FOUND: none is left; DAMAGED. */
struct footer_message {
    struct store_record record;
    uint32_t group, subject;
    uint64_t at;
    bool is_moved;
    uint32_t origin, round;
};
MUST_USE enum status footer_next_message(struct footer_view *v, struct footer_message *out);

#endif
