/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c - not written yet on this branch. */
#include "monitor/monitor.h"

enum status monitor_start(struct monitor **out, struct core *core, const struct options *options,
                          struct error *why)
{
    (void)core;
    (void)options;
    *out = NULL;
    return error_set(why, ST_UNSUPPORTED, "no monitoring");
}

void monitor_stop(struct monitor **m)
{
    *m = NULL;
}

uint16_t monitor_port(const struct monitor *m)
{
    (void)m;
    return 0;
}
