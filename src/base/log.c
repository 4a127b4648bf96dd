/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - formats a line and hands it to the sink. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

static void stderr_write(struct log_sink *sink, enum log_level level, struct span line)
{
    static const char *const labels[] = { "FTL", "ERR", "WRN", "INF", "DBG", "TRC" };

    (void)sink;
    fprintf(stderr, "[%s] %.*s\n", labels[level], SPAN_ARG(line));
}

static struct log_sink plain = { .write = stderr_write };
static _Atomic(struct log_sink *) current = &plain;

void log_set_sink(struct log_sink *sink)
{
    atomic_store(&current, sink ? sink : &plain);
}

bool log_wants(enum log_level level)
{
    struct log_sink *sink = atomic_load_explicit(&current, memory_order_acquire);

    if (level == LOG_DEBUG) return atomic_load_explicit(&sink->debug, memory_order_relaxed);
    if (level == LOG_TRACE) return atomic_load_explicit(&sink->trace, memory_order_relaxed);
    return true;
}

void log_at(enum log_level level, const char *fmt, ...)
{
    struct log_sink *sink = atomic_load_explicit(&current, memory_order_acquire);
    struct buf line = { 0 };
    va_list ap;

    if (!log_wants(level)) return;
    va_start(ap, fmt);
    buf_vprintf(&line, fmt, ap);
    va_end(ap);
    sink->write(sink, level, buf_span(&line));
    buf_free(&line);
}
