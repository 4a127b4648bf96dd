/* SPDX-License-Identifier: Apache-2.0 */
/* map.h - hash map from byte strings to pointers. Copies keys, borrows values.
 *
 * For cold paths (accounts, users, options, asset tables). Open addressing with tombstone-free
 * deletion, load at most 3/4. Iteration order is insertion order as long as nothing was removed
 * (the last entry takes the place of a removed one), so that output never depends on hashes. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/span.h"

struct map_entry {
    char *key;                  /* NUL-terminated copy */
    size_t key_len;
    uint64_t hash;
    void *value;
};

struct map {                    /* zero-initialise */
    struct map_entry *entries;  /* dense, [0, count) */
    uint32_t *slots;            /* index + 1, or 0 */
    size_t count, cap, slot_count;
};

void map_free(struct map *m);                           /* not the values */
void *map_get(const struct map *m, struct span key);    /* NULL: absent */
bool map_has(const struct map *m, struct span key);
/* Set key to value (may be NULL) and return the value it had before, or NULL. */
void *map_set(struct map *m, struct span key, void *value);
/* Remove key and return its value, or NULL when it was absent. */
void *map_remove(struct map *m, struct span key);

#endif
