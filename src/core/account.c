/* SPDX-License-Identifier: Apache-2.0 */
/* account.c - life of an account. */
#include "core/account.h"

#include "base/mem.h"
#include "net/loop.h"

struct account *account_new(struct span name, unsigned loops, uint64_t seed,
                            struct account_settings *settings)
{
    struct account *a = mem_zero(sizeof *a);

    a->name = mem_dup_span(name);
    sync_brlock_init(&a->lock, loops);
    a->sublist = sublist_new(seed);
    a->stats = mem_zero(loops * sizeof *a->stats);
    atomic_store(&a->settings, settings);
    return a;
}

void account_free(struct account **a)
{
    if (*a == NULL) return;
    account_settings_free(atomic_load(&(*a)->settings));
    sublist_free(&(*a)->sublist);
    sync_brlock_fini(&(*a)->lock);
    mem_free((*a)->stats);
    mem_free((*a)->name);
    mem_free(*a);
    *a = NULL;
}

struct account_settings *account_settings_new(void)
{
    struct account_settings *s = mem_zero(sizeof *s);

    s->max_connections = s->max_subscriptions = s->max_payload = -1;
    return s;
}

void account_settings_free(struct account_settings *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < s->mapping_count; i++) mapping_free(&s->mappings[i]);
    mem_free(s->mappings);
    mem_free(s);
}

enum status account_reserve_connection(struct account *a)
{
    int64_t max = atomic_load(&a->settings)->max_connections, now = atomic_load(&a->connections);

    do                                  /* no try in vain may be visible: it would refuse others */
        if (max >= 0 && now >= max) return ST_LIMIT;
    while (!atomic_compare_exchange_weak(&a->connections, &now, now + 1));
    atomic_fetch_add(&a->total_connections, 1);
    return ST_OK;
}

void account_release_connection(struct account *a)
{
    int64_t before = atomic_fetch_sub(&a->connections, 1);

    assert(before > 0);
}

void account_interest_changed(struct account *a)
{
    struct account_watch *w = atomic_load_explicit(&a->watch, memory_order_acquire);

    if (w && !atomic_exchange(&w->posted, true)) loop_post(w->loop, &w->mail);
}
