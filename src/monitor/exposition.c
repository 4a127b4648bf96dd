/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.c - Prometheus' "Exposition formats" and the OpenMetrics 1.0 specification. */
#include "monitor/exposition.h"

#include <inttypes.h>

#include "base/jsonw.h"
#include "base/utf8.h"

/* ---- writing ---- */

void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
                       const char *help)
{
    static const struct { const char *suffix, *text, *open_metrics; } types[] = {
        [EXPOSITION_COUNTER] = { "_total", "counter", "counter" },
        [EXPOSITION_GAUGE] = { "", "gauge", "gauge" },
        [EXPOSITION_HISTOGRAM] = { "", "histogram", "histogram" },
        [EXPOSITION_INFO] = { "_info", "gauge", "info" },
    };
    const char *shown;

    e->name = name;
    e->suffix = types[type].suffix;
    shown = e->open_metrics ? "" : e->suffix;
    buf_printf(e->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, shown, help, name, shown,
               e->open_metrics ? types[type].open_metrics : types[type].text);
}

static void append_value(struct buf *out, struct span value)
{
    for (size_t i = 0; i < value.len;) {
        size_t n = utf8_sequence(span_from(value, i));
        char c = value.p[i];

        if (n == 0)
            buf_append_text(out, "\xef\xbf\xbd");
        else if (c == '\\' || c == '"')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_append_text(out, "\\n");
        else
            buf_append(out, value.p + i, n);
        i += n ? n : 1;
    }
}

static void begin_sample(struct exposition *e, const struct exposition_label *labels,
                         size_t count)
{
    buf_printf(e->out, "%s%s", e->name, e->suffix);
    for (size_t i = 0; i < count; i++) {
        buf_printf(e->out, "%c%s=\"", i ? ',' : '{', labels[i].name);
        append_value(e->out, labels[i].value);
        buf_append_char(e->out, '"');
    }
    if (count) buf_append_char(e->out, '}');
    buf_append_char(e->out, ' ');
}

void exposition_int(struct exposition *e, const struct exposition_label *labels, size_t count,
                    int64_t value)
{
    begin_sample(e, labels, count);
    buf_printf(e->out, "%" PRId64 "\n", value);
}

void exposition_u64(struct exposition *e, const struct exposition_label *labels, size_t count,
                    uint64_t value)
{
    begin_sample(e, labels, count);
    buf_printf(e->out, "%" PRIu64 "\n", value);
}

void exposition_double(struct exposition *e, const struct exposition_label *labels, size_t count,
                       double value)
{
    struct jsonw w = jsonw_start(e->out);

    begin_sample(e, labels, count);
    jsonw_double(&w, NULL, value);
    buf_append_char(e->out, '\n');
}

/* A bound is a label as text: as short as it reads back. */
static void put_bucket(struct exposition *e, struct span bound, uint64_t count)
{
    struct exposition_label label = { "le", bound };

    e->suffix = "_bucket";
    exposition_u64(e, &label, 1, count);
}

void exposition_histogram(struct exposition *e, const double *bounds, const uint64_t *counts,
                          size_t count, double sum)
{
    struct buf text = { 0 };
    uint64_t so_far = 0;

    for (size_t i = 0; i < count; i++) {
        struct jsonw w = jsonw_start(&text);
        text.len = 0;
        if (i + 1 < count) jsonw_double(&w, NULL, bounds[i]);
        else buf_append_text(&text, "+Inf");
        so_far += counts[i];
        put_bucket(e, buf_span(&text), so_far);
    }
    buf_free(&text);
    e->suffix = "_sum";
    exposition_double(e, NULL, 0, sum);
    e->suffix = "_count";
    exposition_u64(e, NULL, 0, so_far);
}

void exposition_end(struct exposition *e)
{
    if (e->open_metrics) buf_append_text(e->out, "# EOF\n");
}

/* ---- which format ---- */

const char *exposition_content_type(bool open_metrics)
{
    return open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                        : "text/plain; version=0.0.4; charset=utf-8";
}

/* Cut rest at the first separator and return what stands before it, trimmed. */
static struct span cut(struct span *rest, char separator)
{
    size_t end = span_find(*rest, separator);
    struct span part = span_make(rest->p, end);

    *rest = span_from(*rest, end < rest->len ? end + 1 : end);
    return span_trim(part);
}

/* "0.5" in thousandths; anything odd counts as 1. */
static int parse_weight(struct span text)
{
    int weight = 0, scale = 1000;

    if (text.len == 0 || (text.p[0] != '0' && text.p[0] != '1')) return 1000;
    for (size_t i = 0; i < text.len && scale > 0; i++) {
        if (i == 1 && text.p[i] == '.') continue;
        if (text.p[i] < '0' || text.p[i] > '9') return 1000;
        weight += (text.p[i] - '0') * scale;
        scale /= 10;
    }
    return weight;
}

bool exposition_wants_open_metrics(const char *accept)
{
    struct span rest = span_of(accept);
    int open_metrics = 0, text = 0;

    while (rest.len > 0) {
        struct span item = cut(&rest, ','), type = cut(&item, ';');
        int weight = 1000;
        while (item.len > 0) {
            struct span parameter = cut(&item, ';'), name = cut(&parameter, '=');
            if (span_equal_nocase(name, SPAN_LIT("q"))) weight = parse_weight(parameter);
        }
        if (span_equal_nocase(type, SPAN_LIT("application/openmetrics-text"))) {
            if (weight > open_metrics) open_metrics = weight;
        } else if (span_equal_nocase(type, SPAN_LIT("text/plain"))) {
            if (weight > text) text = weight;
        }
    }
    return open_metrics > 0 && open_metrics >= text;
}
