/* SPDX-License-Identifier: Apache-2.0 */
/* msgs.h - the messages of one stream: which sequences live, where they stand, which subject each
 * has. An index in memory, rebuilt at recovery; it never touches the store.
 *
 * Sequences are dense from first to last but for those removed in between. Each subject that has a
 * message stands once in a table, with its first and last sequence and its count; messages refer
 * to it by number, so that filters are decided per subject, not per message. Owned by one loop.
 * Memory: 16.4 bytes per message where most of a run of sequences live (runs with few left are
 * packed; removed sequences cost half a byte at most), up to one more once scans for few subjects
 * pass again and again; per subject its text and about 60 bytes. */
#ifndef JETSTREAM_MSGS_H
#define JETSTREAM_MSGS_H

#include "base/buf.h"
#include "base/status.h"
#include "store/store.h"

struct msgs;

struct msg_entry {
    struct store_loc loc;
    uint32_t subject;                   /* its number in the table */
    uint32_t size;                      /* as nats-server counts bytes */
};

struct msgs_state {
    uint64_t first_seq, last_seq;       /* empty: first == last + 1, both 0 before any message */
    uint64_t count, bytes;
    uint64_t subjects;                  /* with a message */
};

struct msgs_subject {                   /* of one subject */
    /* Valid as long as its number. */
    struct span text;
    uint64_t first_seq, last_seq, count;
};

struct msgs *msgs_new(uint64_t seed);   /* seed: of the hash, secret */
void msgs_free(struct msgs **m);

/* Everything counted. O(1). */
struct msgs_state msgs_state(const struct msgs *m);

/* Memory it holds, in bytes; about. */
size_t msgs_memory(const struct msgs *m);

/* The number of a subject, made if new; valid as long as it has messages, or until the next
 * msgs_remove or 1024 more subjects without one. At most STORE_SUBJECT_MAX long. O(length). */
uint32_t msgs_intern(struct msgs *m, struct span subject);
/* Its number, or UINT32_MAX when no message has it. O(length). */
uint32_t msgs_find_subject(const struct msgs *m, struct span subject);
/* Facts of a subject number; without messages only text is set. O(1), but after the first or the
 * last message of the subject was removed the next one is searched, once. */
struct msgs_subject msgs_subject(struct msgs *m, uint32_t subject);

/* Add seq. Normally seq is last + 1; a gap leaves the sequences between as removed. Recovery adds
 * in any order, also below last: then first is adjusted. seq > 0 must not be in. Amortised O(1). */
void msgs_add(struct msgs *m, uint64_t seq, const struct msg_entry *e);

/* Sequences up to last were given out (last of an emptied or purged stream, first_seq - 1 of a new
 * one); a lower last than it has changes nothing. If it is empty then first becomes last + 1. */
void msgs_set_last(struct msgs *m, uint64_t last);

/* The entry of a live sequence, or NULL; valid until the next change. O(1). */
const struct msg_entry *msgs_get(const struct msgs *m, uint64_t seq);

/* Change where it stands. seq must be live. */
void msgs_move(struct msgs *m, uint64_t seq, struct store_loc loc);

/* Take seq out; true and *gone (may be NULL) when it was in. first moves on over holes. The number
 * gone->subject stays valid until the next msgs_remove, even without messages. Amortised O(1). */
bool msgs_remove(struct msgs *m, uint64_t seq, struct msg_entry *gone);

/* The first live sequence >= from, or 0. O(holes / 64) at most; a gap of 512 or more is O(1). */
uint64_t msgs_next(const struct msgs *m, uint64_t from);
/* The last live sequence <= from, or 0. */
uint64_t msgs_previous(const struct msgs *m, uint64_t from);

/* ---- filters ---- */

/* A set of subject filters, compiled; decides a subject number once and remembers it. No filters,
 * or ">", match everything; so does a NULL filter everywhere below. */
struct msgs_filter;

/* Texts are copied; they must be valid filters. */
struct msgs_filter *msgs_filter_new(const struct span *filters, size_t count);
void msgs_filter_free(struct msgs_filter **f);
bool msgs_filter_is_all(const struct msgs_filter *f);
/* Whether the subject text matches; without memory. */
bool msgs_filter_matches_text(const struct msgs_filter *f, struct span subject);
/* Whether subject number matches in m (a filter is used with one m only). Amortised O(1). */
bool msgs_filter_matches(struct msgs_filter *f, struct msgs *m, uint32_t subject);

/* The first live sequence >= from that f matches, or 0. Looks at no more than *budget entries,
 * which it decreases (entries skipped together may count as one); 0 with *budget 0: undecided, *at
 * is where to go on. With at most 16 filters, all literal, it follows the facts of their subjects
 * instead of scanning as far as those go. */
uint64_t msgs_next_match(struct msgs *m, struct msgs_filter *f, uint64_t from, uint64_t *budget,
                         uint64_t *at);
/* As msgs_next_match, downwards: the last live sequence <= from. */
uint64_t msgs_previous_match(struct msgs *m, struct msgs_filter *f, uint64_t from,
                             uint64_t *budget, uint64_t *at);

/* How many live messages with a sequence >= from match. With last_per_subject: how many subjects
 * have their last message at or after from. Without a filter O(1) when from is at or before first,
 * else O(sequences / 32768). With one O(subjects) when from is at or before first, else
 * O(subjects + min(messages before from, messages after from)). */
uint64_t msgs_count(struct msgs *m, struct msgs_filter *f, uint64_t from, bool last_per_subject);

/* Call fn for every subject that f matches, in the order of the table; fn returns false to stop.
 * fn must not change m. s->first_seq may be too low and s->last_seq too high: msgs_subject tells
 * them exactly. O(subjects). */
void msgs_each_subject(struct msgs *m, struct msgs_filter *f,
                       bool (*fn)(void *arg, uint32_t number, const struct msgs_subject *s),
                       void *arg);

/* Append for each matching subject the sequence of its last message at or below up_to (0: no
 * limit), all in ascending order. Returns how many. O(subjects log subjects), with up_to and the
 * messages below it that must be looked at. */
size_t msgs_last_per_subject(struct msgs *m, struct msgs_filter *f, uint64_t up_to,
                             struct buf *seqs /* uint64_t */);

/* ---- holes ---- */

/* How many sequences between first and last are removed; 0 when it is empty. O(1). */
uint64_t msgs_deleted_count(const struct msgs *m);

/* Append the removed sequences between first and last, ascending, at most max of them (uint64_t).
 * Returns how many. O(max + holes). */
size_t msgs_deleted(const struct msgs *m, size_t max, struct buf *seqs);

/* The removed sequences between first and last as a compact text of bytes (format:
 * msgs_holes.c), for checkpoints, and back: msgs_holes_has answers for a decoded set. No hole: no
 * bytes. BAD_INPUT: not such a text; what is decoded takes up to 16 times its size. */
void msgs_encode_holes(const struct msgs *m, struct buf *out);
struct msgs_holes;
MUST_USE enum status msgs_holes_decode(struct msgs_holes **out, struct span text);
bool msgs_holes_has(const struct msgs_holes *h, uint64_t seq);
/* The first hole that ends at or after seq. O(log holes). */
bool msgs_holes_next(const struct msgs_holes *h, uint64_t seq, uint64_t *first, uint64_t *last);
void msgs_holes_free(struct msgs_holes **h);

#endif
