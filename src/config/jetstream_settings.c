/* SPDX-License-Identifier: Apache-2.0 */
/* jetstream_settings.c - sizes and the folder that the operator left to the server. */
#include "config/jetstream_settings.h"

#include "base/mem.h"
#include "config/conf_path.h"
#include "os/machine.h"

#define MEMORY_UNKNOWN_BYTES (INT64_C(256) << 20)
#define DISK_UNKNOWN_BYTES (INT64_C(1) << 40)

static int64_t three_quarters(int64_t n)
{
    return n / 4 * 3;
}

/* folder/name, with dots resolved. */
static char *join(const char *folder, const char *name)
{
    char *slashed = mem_printf("%s/", folder);
    char *path = conf_path_join(span_of(slashed), span_of(name));

    mem_free(slashed);
    return path;
}

/* nats-server has two names for the folder that nobody chose. */
char *jetstream_store_dir(const struct options_jetstream *o, const char *temporary_folder)
{
    if (o->store_dir != NULL && o->store_dir[0] != '\0') return join(o->store_dir, "jetstream");
    return join(temporary_folder,
                o->max_memory > 0 && o->max_store > 0 ? "jetstream" : "nats/jetstream");
}

void jetstream_settings_init(struct jetstream_settings *s, const struct options_jetstream *o,
                             const struct jetstream_machine *machine)
{
    *s = (struct jetstream_settings){
        .store_dir = jetstream_store_dir(o, machine->temporary_folder),
        .temporary = o->store_dir == NULL || o->store_dir[0] == '\0',
        .max_memory = o->max_memory, .max_store = o->max_store,
    };
    if (s->max_memory < 0)
        s->max_memory = machine->memory_bytes > 0 ? three_quarters(machine->memory_bytes)
                                                  : MEMORY_UNKNOWN_BYTES;
    if (s->max_store < 0)
        s->max_store = machine->disk_bytes >= 0 ? three_quarters(machine->disk_bytes)
                                                : DISK_UNKNOWN_BYTES;
}

void jetstream_settings_read(struct jetstream_settings *s, const struct options_jetstream *o)
{
    struct jetstream_machine machine = { machine_temporary_folder(), machine_memory_bytes(), -1 };
    char *folder = jetstream_store_dir(o, machine.temporary_folder);

    machine.disk_bytes = machine_disk_bytes(folder);
    mem_free(folder);
    jetstream_settings_init(s, o, &machine);
}

void jetstream_settings_fini(struct jetstream_settings *s)
{
    mem_free(s->store_dir);
    *s = (struct jetstream_settings){ 0 };
}
