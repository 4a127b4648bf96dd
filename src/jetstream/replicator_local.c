/* SPDX-License-Identifier: Apache-2.0 */
/* replicator_local.c - one replica: the group's log in this server's store is the whole truth. */
#include "jetstream/replicator.h"

#include "base/mem.h"

struct local {
    struct replicator base;
    struct store *store;
    struct store_group *group;
};

static struct local *local_of(struct replicator *r)
{
    return CONTAINER_OF(r, struct local, base);
}

static enum status propose(struct replicator *r, const struct store_record *record,
                           struct store_loc *loc, uint64_t *position)
{
    return store_append(local_of(r)->group, record, loc, position);
}

static enum status read_record(struct replicator *r, struct store_loc loc,
                               struct store_record *out, struct store_wait *wait)
{
    return store_read(local_of(r)->group, loc, out, wait);
}

static void read_cancel(struct replicator *r, struct store_wait *wait)
{
    store_wait_cancel(local_of(r)->store, wait);
}

static void read_ahead(struct replicator *r, struct store_loc loc)
{
    store_read_ahead(local_of(r)->group, loc);
}

static void release(struct replicator *r, struct store_loc loc, uint32_t size)
{
    store_release(local_of(r)->group, loc, size);
}

static void erase(struct replicator *r, struct store_loc loc, struct store_wait *wait)
{
    store_erase(local_of(r)->group, loc, wait);
}

static void end(struct replicator *r, uint64_t *position)
{
    store_group_delete(&local_of(r)->group, position);
}

static void free_local(struct replicator *r)
{
    mem_free(local_of(r));
}

static const struct replicator_ops local_ops = {
    .propose = propose, .read = read_record, .read_cancel = read_cancel,
    .read_ahead = read_ahead, .release = release, .erase = erase, .end = end, .free = free_local,
};

struct replicator *replicator_local_new(struct store *s, struct store_group *group, bool in_memory,
                                        const struct store_group_ops *ops, void *owner)
{
    struct local *l = mem_zero(sizeof *l);

    l->base.ops = &local_ops;
    l->base.in_memory = in_memory;
    if (group) store_group_own(group, ops, owner);
    l->group = group ? group : store_group_new(s, in_memory, ops, owner);
    l->store = store_of_group(l->group);
    return &l->base;
}
