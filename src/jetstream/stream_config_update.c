/* SPDX-License-Identifier: Apache-2.0 */
/* stream_config_update.c - what may change in a stream, in nats-server's order of checks. */
#include "jetstream/config_priv.h"

static enum js_err check_one_way(const struct stream_config *old, const struct stream_config *next,
                                 struct js_error *e)
{
    if (next->storage != old->storage)
        return config_refuse(e, "stream configuration update can not change storage type");
    if (next->retention != old->retention &&
        (old->retention == JS_RETENTION_WORKQUEUE || next->retention == JS_RETENTION_WORKQUEUE))
        return config_refuse(e, "stream configuration update can not change retention policy "
                             "to/from workqueue");
    if (old->sealed && !next->sealed)
        return config_refuse(e, "stream configuration update can not unseal a sealed stream");
    if (old->deny_delete && !next->deny_delete)
        return config_refuse(e, "stream configuration update can not cancel deny message "
                             "deletes");
    if (old->deny_purge && !next->deny_purge)
        return config_refuse(e, "stream configuration update can not cancel deny purge");
    if (next->mirror != NULL &&
        (old->mirror == NULL || !stream_source_equal(next->mirror, old->mirror)))
        return js_error_set(e, JS_ERR_STREAM_MIRROR_NOT_UPDATABLE);
    if (old->allow_msg_ttl && !next->allow_msg_ttl)
        return config_refuse(e, "message TTL status can not be disabled");
    if (old->allow_msg_counter != next->allow_msg_counter)
        return config_refuse(e, "stream configuration update can not change message counter "
                             "setting");
    if (old->allow_msg_schedules && !next->allow_msg_schedules)
        return config_refuse(e, "message schedules can not be disabled");
    if (old->persist != next->persist)
        return config_refuse(e, "stream configuration update can not change persist mode");
    return JS_OK;
}

enum js_err stream_config_check_update(const struct stream_config *old,
                                       struct stream_config *next,
                                       const struct stream_config_rules *rules,
                                       struct js_error *e)
{
    enum js_err err;

    (void)rules;            /* what an update completes is completed in pedantic mode, too */
    if (!config_text_equal(next->name, old->name))
        return config_refuse(e, "stream configuration name must match original");
    if ((err = stream_config_check_replicas(next, e)) != JS_OK) return err;
    if ((err = check_one_way(old, next, e)) != JS_OK) return err;
    if (next->sealed) {
        next->max_age = 0;
        next->discard = JS_DISCARD_NEW;
        next->deny_delete = next->deny_purge = true;
        next->allow_rollup_hdrs = false;
    }
    return JS_OK;
}
