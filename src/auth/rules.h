/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - a compiled list of permission entries: subjects, each with an optional queue group.
 *
 * Entries go into a trie of tokens whose edges are one hash table, so that a look-up costs one
 * probe per token and wildcard branch however many entries there are. Built once, then read by
 * any thread. Folder-internal: perms.c gives entries their meaning. */
#ifndef AUTH_RULES_H
#define AUTH_RULES_H

#include "base/span.h"

struct rule {
    char *text;                 /* owned: "subject" or "subject queue", one space */
    struct span subject, queue; /* into text; queue is empty without one */
};

struct rules {                  /* zero-initialise; rules_fini */
    struct rule *items;
    size_t count;
    struct rules_node *nodes;   /* [0] is the root; NULL until rules_compile */
    uint32_t *edges;            /* node index, or 0 for free; open addressing */
    uint32_t *next;             /* per rule: another one of the same node, or RULES_END */
    size_t node_count, node_cap, edge_count;
    size_t depth;               /* tokens of the longest entry */
};

/* Split and check entry, append it: false when it is invalid. A queue group is accepted only if
 * with_queue. */
bool rules_add(struct rules *r, const char *entry, bool with_queue);

/* After the last rules_add. */
void rules_compile(struct rules *r);
void rules_fini(struct rules *r);

enum {                          /* what the entries that match a subject say */
    RULES_PLAIN = 1,            /* one without a queue group */
    RULES_QUEUED = 2,           /* one with a queue group, any */
    RULES_QUEUE = 4,            /* one with a queue group that covers the given one */
};

/* What matches subject, whose tokens are taken as they are ("*" is a token like any other, and
 * an empty token matches nothing). May stop as soon as a bit of enough is found. */
unsigned rules_match(const struct rules *r, struct span subject, struct span queue,
                     unsigned enough);

#endif
