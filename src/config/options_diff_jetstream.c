/* SPDX-License-Identifier: Apache-2.0 */
/* options_diff_jetstream.c - limits may grow while JetStream runs, its folder stays. */
#include "config/options_diff_jetstream.h"

#include <string.h>

#include "base/span.h"

static enum jetstream_change judge_folder(const struct options_jetstream *to, const char **refusal)
{
    if (to->store_dir == NULL && !to->enabled) return JETSTREAM_CHANGE_NO_MATTER;
    *refusal = to->store_dir != NULL ? "jetstream storage directory" : "jetstream storage dir";
    return JETSTREAM_CHANGE_REFUSED;
}

/* -1 stands for a limit that the server chose by itself. */
static enum jetstream_change judge_limit(int64_t from, int64_t to, bool stays_enabled,
                                         const char **refusal)
{
    if (from == -1) {
        *refusal = "jetstream dynamic max memory and store";
    } else if (to == -1) {
        if (!stays_enabled) return JETSTREAM_CHANGE_NO_MATTER;
        *refusal = "jetstream max memory and max store";
    } else if (to > from) {
        return JETSTREAM_CHANGE_ALLOWED;
    } else {
        *refusal = "decreasing jetstream max memory and store";
    }
    return JETSTREAM_CHANGE_REFUSED;
}

enum jetstream_change jetstream_change_judge(const char *name, const struct options *from,
                                             const struct options *to, const char **refusal)
{
    static const char *const of_clusters[] = {
        "JetStreamMetaCompact", "JetStreamMetaCompactSize", "JetStreamMetaCompactSync",
    };
    static const char *const while_running[] = {
        "StoreDir", "JetStreamMaxMemory", "JetStreamMaxStore",
    };
    const struct options_jetstream *a = &from->jetstream, *b = &to->jetstream;

    for (size_t i = 0; i < COUNT_OF(of_clusters); i++)
        if (strcmp(name, of_clusters[i]) == 0) return JETSTREAM_CHANGE_NO_MATTER;
    if (strcmp(name, "JetStreamConcurrentIOs") == 0)
        return b->enabled ? JETSTREAM_CHANGE_AS_TABLE : JETSTREAM_CHANGE_NO_MATTER;
    for (size_t i = 0; i < COUNT_OF(while_running); i++) {
        if (strcmp(name, while_running[i]) != 0) continue;
        if (!a->enabled) return JETSTREAM_CHANGE_NO_MATTER;
        if (i == 0) return judge_folder(b, refusal);
        if (i == 1) return judge_limit(a->max_memory, b->max_memory, b->enabled, refusal);
        return judge_limit(a->max_store, b->max_store, b->enabled, refusal);
    }
    return JETSTREAM_CHANGE_AS_TABLE;
}
