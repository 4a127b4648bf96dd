/* SPDX-License-Identifier: Apache-2.0 */
/* logger.c - formats lines and picks the output. */
#include "server/logger.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/logfile.h"
#include "os/process.h"
#include "os/sync.h"
#include "os/syslog.h"

/* Where lines go: exactly one of file and link is set. */
struct output {
    struct logfile *file;
    struct syslog_link *link;
    char *path;                 /* of file; NULL: stderr */
    bool colour, time, utc;
    int64_t size_limit;         /* as configured; 0: no rotation */
    int64_t rotate_above;       /* size_limit, doubled after each failed rotation */
    int64_t files_max;          /* 0: keep every backup */
};

struct logger {
    struct log_sink sink;
    struct sync_mutex lock;          /* over everything below */
    struct output output;
    struct buf line;            /* scratch */
    uint64_t lost_count;        /* lines since the last one that was written */
};

struct label {
    const char *plain, *coloured;
    enum syslog_severity severity;
};

static const struct label labels[] = {
    [LOG_FATAL] = { "[FTL] ", "[\033[31mFTL\033[0m] ", SYSLOG_CRITICAL },
    [LOG_ERROR] = { "[ERR] ", "[\033[31mERR\033[0m] ", SYSLOG_ERROR },
    [LOG_WARN] = { "[WRN] ", "[\033[0;93mWRN\033[0m] ", SYSLOG_WARNING },
    [LOG_INFO] = { "[INF] ", "[\033[32mINF\033[0m] ", SYSLOG_NOTICE },
    [LOG_DEBUG] = { "[DBG] ", "[\033[36mDBG\033[0m] ", SYSLOG_DEBUG },
    [LOG_TRACE] = { "[TRC] ", "[\033[33mTRC\033[0m] ", SYSLOG_NOTICE },
};

static void output_fini(struct output *o)
{
    logfile_free(&o->file);
    syslog_free(&o->link);
    mem_free(o->path);
    *o = (struct output){ 0 };
}

static enum status output_init(struct output *o, const struct options *options,
                               struct error *why)
{
    struct error cause = { "" };
    enum status st;

    *o = (struct output){ .time = options->logtime, .utc = options->logtime_utc };
    if (options->log_file != NULL && options->log_file[0] != '\0') {
        st = logfile_open(options->log_file, &o->file, &cause);
        if (st != ST_OK) return error_set(why, st, "error opening file: %s", cause.text);
        o->path = mem_dup(options->log_file);
        o->size_limit = o->rotate_above = options->log_size_limit;
        o->files_max = options->log_max_num;
        return ST_OK;
    }
    if (options->syslog || (options->remote_syslog != NULL && options->remote_syslog[0] != '\0')) {
        const char *url = options->remote_syslog;

        if (url != NULL && url[0] == '\0') url = NULL;
        st = syslog_open(url, process_name(), &o->link, &cause);
        if (st != ST_OK) return error_set(why, st, "error connecting to syslog: %s", cause.text);
        return ST_OK;
    }
    o->file = logfile_stderr();
    o->colour = logfile_is_device(o->file);
    return ST_OK;
}

static void append_time(struct buf *line, bool utc)
{
    struct calendar t = clock_calendar(clock_wall_ns(), utc);

    buf_printf(line, "%04d/%02d/%02d %02d:%02d:%02d.%06d ", t.year, t.month, t.day, t.hour,
               t.minute, t.second, t.nanosecond / 1000);
}

static enum status put_line(struct logger *l, enum log_level level, struct span text)
{
    struct output *o = &l->output;

    if (o->link != NULL) return syslog_write(o->link, labels[level].severity, text);
    l->line.len = 0;
    buf_printf(&l->line, "[%d] ", process_id());
    if (o->time) append_time(&l->line, o->utc);
    buf_append_text(&l->line, o->colour ? labels[level].coloured : labels[level].plain);
    buf_append_span(&l->line, text);
    if (text.len == 0 || text.p[text.len - 1] != '\n') buf_append_char(&l->line, '\n');
    return logfile_write(o->file, buf_span(&l->line));
}

static void write_line(struct logger *l, enum log_level level, struct span text)
{
    if (l->lost_count > 0) {
        struct buf note = { 0 };

        buf_printf(&note, "%llu log lines could not be written",
                   (unsigned long long)l->lost_count);
        if (put_line(l, LOG_WARN, buf_span(&note)) == ST_OK) l->lost_count = 0;
        buf_free(&note);
    }
    if (put_line(l, level, text) != ST_OK) l->lost_count++;
}

static void write_text(struct logger *l, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void write_text(struct logger *l, enum log_level level, const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    write_line(l, level, buf_span(&text));
    buf_free(&text);
}

/* Delete backups beyond files_max, the file in use being one of them. */
static void purge(struct logger *l)
{
    struct error why = { "" };
    char **removed;
    size_t count;
    enum status st;

    st = logfile_purge(l->output.file, (size_t)(l->output.files_max - 1), &removed, &count, &why);
    for (size_t i = 0; i < count; i++) {
        write_text(l, LOG_INFO, "Purged log file \"%s\"", removed[i]);
        mem_free(removed[i]);
    }
    mem_free(removed);
    if (st != ST_OK)
        write_text(l, LOG_ERROR, "Unable to remove backup log files (%s), "
                   "will attempt next rotation", why.text);
}

static void rotate_if_due(struct logger *l)
{
    struct output *o = &l->output;
    struct error why = { "" };
    char *backup;

    if (o->size_limit <= 0 || logfile_size(o->file) <= o->rotate_above) return;
    if (logfile_rotate(o->file, clock_wall_ns(), &backup, &why) != ST_OK) {
        if (__builtin_mul_overflow(o->rotate_above, 2, &o->rotate_above))
            o->rotate_above = INT64_MAX;
        write_text(l, LOG_ERROR, "Unable to rotate logfile (%s), will attempt next rotation "
                   "at size %lld", why.text, (long long)o->rotate_above);
        return;
    }
    o->rotate_above = o->size_limit;
    write_text(l, LOG_INFO, "Rotated log, backup saved as \"%s\"", backup);
    mem_free(backup);
    if (o->files_max > 0) purge(l);
}

static void sink_write(struct log_sink *sink, enum log_level level, struct span line)
{
    struct logger *l = CONTAINER_OF(sink, struct logger, sink);

    sync_mutex_lock(&l->lock);
    write_line(l, level, line);
    if (l->output.file != NULL) rotate_if_due(l);
    sync_mutex_unlock(&l->lock);
}

static void apply_levels(struct logger *l, const struct options *options)
{
    atomic_store_explicit(&l->sink.debug, options->debug, memory_order_relaxed);
    atomic_store_explicit(&l->sink.trace, options->trace, memory_order_relaxed);
}

static void switch_output(struct logger *l, struct output *next)
{
    struct output old;

    sync_mutex_lock(&l->lock);
    old = l->output;
    l->output = *next;
    if (next->size_limit > 0 && logfile_size(next->file) > next->rotate_above) {
        write_text(l, LOG_INFO, "Rotating logfile...");
        rotate_if_due(l);
    }
    sync_mutex_unlock(&l->lock);
    output_fini(&old);
}

enum status logger_open(const struct options *options, struct logger **out, struct error *why)
{
    struct logger *l;
    struct output output;
    enum status st = output_init(&output, options, why);

    *out = NULL;
    if (st != ST_OK) return st;
    l = mem_zero(sizeof(*l));
    l->sink.write = sink_write;
    apply_levels(l, options);
    switch_output(l, &output);
    log_set_sink(&l->sink);
    *out = l;
    return ST_OK;
}

enum status logger_reconfigure(struct logger *l, const struct options *options, struct error *why)
{
    struct output output;
    enum status st = output_init(&output, options, why);

    if (st != ST_OK) return st;
    switch_output(l, &output);
    apply_levels(l, options);
    return ST_OK;
}

void logger_reopen(struct logger *l)
{
    struct error why = { "" };
    struct logfile *next = NULL, *old;

    if (l->output.path == NULL) {
        log_info("File log re-open ignored, not a file logger");
        return;
    }
    if (logfile_open(l->output.path, &next, &why) != ST_OK) {
        log_error("File log re-open failed: %s", why.text);
        return;
    }
    sync_mutex_lock(&l->lock);
    old = l->output.file;
    l->output.file = next;
    l->output.rotate_above = l->output.size_limit;
    sync_mutex_unlock(&l->lock);
    logfile_free(&old);
    log_info("File log re-opened");
}

void logger_free(struct logger **l)
{
    if (*l == NULL) return;
    log_set_sink(NULL);
    output_fini(&(*l)->output);
    buf_free(&(*l)->line);
    mem_free(*l);
    *l = NULL;
}
