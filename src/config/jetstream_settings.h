/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_settings.h - what JetStream runs with on this machine: options with the gaps filled.
 *
 * The options leave sizes and the folder to the server when the operator says nothing; here they
 * get values as nats-server chooses them (its jetstream.go): three quarters of the memory, three
 * quarters of the free disk, a folder below the system's temporary one. */
#ifndef CONFIG_JETSTREAM_SETTINGS_H
#define CONFIG_JETSTREAM_SETTINGS_H

#include "config/options.h"

struct jetstream_machine {
    const char *temporary_folder;       /* "/tmp" */
    int64_t memory_bytes;               /* 0: unknown */
    int64_t disk_bytes;                 /* free for the store directory; -1: unknown */
};

struct jetstream_settings {
    char *store_dir;                    /* ends in "/jetstream"; owned */
    bool temporary;                     /* nobody chose store_dir: a reboot may empty it */
    int64_t max_memory, max_store;      /* bytes, >= 0 */
};

/* Folder of the store for these options: its own memory. Pure. */
char *jetstream_store_dir(const struct options_jetstream *o, const char *temporary_folder);

/* Fill in s from what machine says. Pure. The caller fini's s. */
void jetstream_settings_init(struct jetstream_settings *s, const struct options_jetstream *o,
                             const struct jetstream_machine *machine);

/* As jetstream_settings_init, with the facts of the machine that this process runs on. Blocks on
 * the file system. Creates nothing. */
void jetstream_settings_read(struct jetstream_settings *s, const struct options_jetstream *o);

void jetstream_settings_fini(struct jetstream_settings *s);

#endif
