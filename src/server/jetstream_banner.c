/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_banner.c - a frame with one setting per line. */
#include "server/jetstream_banner.h"

#include "base/duration.h"
#include "base/size.h"

static void append_size(struct buf *out, const char *label, int64_t bytes)
{
    buf_append_text(out, label);
    size_append(out, bytes);
    buf_append_char(out, '\n');
}

void jetstream_banner_append(struct buf *out, const struct options_jetstream *o,
                             const struct jetstream_settings *s, int api_level)
{
    buf_append_text(out, "---------------- JETSTREAM ----------------\n");
    if (o->strict) buf_append_text(out, "  Strict:          true\n");
    append_size(out, "  Max Memory:      ", s->max_memory);
    append_size(out, "  Max Storage:     ", s->max_store);
    buf_printf(out, "  Store Directory: \"%s\"\n", s->store_dir);
    if (o->domain != NULL) buf_printf(out, "  Domain:          %s\n", o->domain);
    if (o->key != NULL) buf_append_text(out, "  Encryption:      XChaCha20-Poly1305\n");
    if (o->sync == JETSTREAM_SYNC_INTERVAL) {
        buf_append_text(out, "  Sync Interval:   ");
        duration_append(out, o->sync_interval_ns);
        buf_append_text(out, " (after the ack)\n");
    } else {
        buf_append_text(out, "  Sync:            before every ack\n");
    }
    buf_printf(out, "  API Level:       %d\n", api_level);
    buf_append_text(out, "-------------------------------------------\n");
}
