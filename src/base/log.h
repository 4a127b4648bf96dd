/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - where messages for the operator go. The sink is the one mutable global of Myelin: it is
 * set by server/ at start and swapped atomically; everything else reaches its state by pointer. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>

#include "base/span.h"

enum log_level { LOG_FATAL, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

struct log_sink {
    /* Write one line (no newline in it). Called from any thread. */
    void (*write)(struct log_sink *sink, enum log_level level, struct span line);
    atomic_bool debug, trace;   /* wanted at the moment */
};

/* Install sink (borrowed until replaced); NULL restores the plain stderr sink. */
void log_set_sink(struct log_sink *sink);

/* Whether a message of this level would be written: guard costly arguments with it. */
bool log_wants(enum log_level level);

/* Format one line and hand it to the sink, if that wants the level. Any thread;
 * allocates. */
void log_at(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_fatal(...) log_at(LOG_FATAL, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) do { if (log_wants(LOG_DEBUG)) log_at(LOG_DEBUG, __VA_ARGS__); } while (0)
#define log_trace(...) do { if (log_wants(LOG_TRACE)) log_at(LOG_TRACE, __VA_ARGS__); } while (0)

#endif
