/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - giving a complete segment its footer. On the reader's thread. */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "os/disk.h"
#include "store/crypt.h"
#include "store/footer.h"
#include "store/segment.h"

/* What decrypting heads of many records needs. */
struct seal_keys {
    const struct crypt_key *master;     /* NULL: nothing is encrypted */
    struct crypt_key group_key;
    uint32_t group;                     /* whose key that is; 0: none yet */
    struct buf plain;                   /* freed by who made it */
};

/* Add a record at rest, decrypted if need be. DAMAGED: it can't be decrypted; not added. */
MUST_USE enum status seal_add(struct seal_keys *k, struct footer *f, const struct record *r,
                              const char *in, uint64_t at);

struct seal {                           /* one segment to be sealed */
    struct segment *segment;
    bool has_image;                     /* all of it is in memory, and stays */
    struct crypt_nonces *nonces;
    uint64_t at, bytes;                 /* out: where the footer stands */
    uint32_t crc;                       /* out: of it as it stands */
    enum status status;                 /* out */
};

/* Make the footer (unless recovery left one in segment->footer), write and sync it. name: of the
 * file. LIMIT: no space. IO. O(records). */
MUST_USE enum status seal_run(struct seal *seal, struct disk_dir *dir,
                              const struct crypt_key *master, struct error *why);

#endif
