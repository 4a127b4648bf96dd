/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.h - writes metrics in Prometheus's text format 0.0.4 or in OpenMetrics 1.0.0.
 *
 * A family is announced once, then its samples follow. The two formats differ in the type of info
 * families, in how the family of a counter is called, and in the end. Pure. */
#ifndef MONITOR_EXPOSITION_H
#define MONITOR_EXPOSITION_H

#include "base/buf.h"

struct exposition {
    struct buf *out;            /* borrowed */
    bool open_metrics;
    const char *name;           /* of the family, without the suffix of its samples */
    const char *suffix;
};

enum exposition_type {
    EXPOSITION_COUNTER, EXPOSITION_GAUGE, EXPOSITION_HISTOGRAM, EXPOSITION_INFO
};

struct exposition_label { const char *name; struct span value; };

/* Begin a family: name without "_total" or "_info"; help is one line without backslashes. */
void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
                       const char *help);

/* One sample of the family. labels may be NULL with count 0; invalid UTF-8 in a value is
 * replaced. */
void exposition_int(struct exposition *e, const struct exposition_label *labels, size_t count,
                    int64_t value);
void exposition_u64(struct exposition *e, const struct exposition_label *labels, size_t count,
                    uint64_t value);
void exposition_double(struct exposition *e, const struct exposition_label *labels, size_t count,
                       double value);

/* The samples of a histogram without labels: counts[i] values lie in the bucket up to bounds[i],
 * which ascend and are no whole numbers; the last of the count buckets has no bound. */
void exposition_histogram(struct exposition *e, const double *bounds, const uint64_t *counts,
                          size_t count, double sum);

/* End the text; nothing may follow. */
void exposition_end(struct exposition *e);

/* The Content-Type of a format. Static storage. */
const char *exposition_content_type(bool open_metrics);

/* Whether a client with this Accept header (NULL: none) is to get OpenMetrics: it names that
 * type, and does not like plain text better. */
bool exposition_wants_open_metrics(const char *accept);

#endif
