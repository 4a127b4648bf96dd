/* SPDX-License-Identifier: Apache-2.0 */
/* dn.c - RFC 4514 text, comparison, and Go's way of printing a subject. */
#include "auth/dn.h"

#include "base/mem.h"

/* In the order in which Go prints them. The last row is left out there. */
static const struct { const char *oid, *name; bool single; } types[] = {
    { "2.5.4.5", "SERIALNUMBER", true }, { "2.5.4.3", "CN", true },
    { "2.5.4.11", "OU", false }, { "2.5.4.10", "O", false }, { "2.5.4.17", "POSTALCODE", false },
    { "2.5.4.9", "STREET", false }, { "2.5.4.7", "L", false }, { "2.5.4.8", "ST", false },
    { "2.5.4.6", "C", false }, { "0.9.2342.19200300.100.1.25", "DC", false },
};

#define TYPE_DOMAIN (COUNT_OF(types) - 1)

/* State of dn_parse: what was read of the current attribute. */
struct reader {
    struct dn *dn;
    struct buf text;            /* unescaped so far */
    size_t trailing;            /* unescaped spaces at the end of text */
    char *type;                 /* owned, or NULL */
    unsigned rdn;
};

static void add(struct dn *dn, unsigned rdn, char *type, char *value)
{
    dn->items = mem_resize(dn->items, (dn->count + 1) * sizeof *dn->items);
    dn->items[dn->count++] = (struct dn_attribute){ rdn, type, value };
}

void dn_fini(struct dn *dn)
{
    for (size_t i = 0; i < dn->count; i++) {
        mem_free(dn->items[i].type);
        mem_free(dn->items[i].value);
    }
    mem_free(dn->items);
    *dn = (struct dn){ 0 };
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The text read so far without trailing spaces, owned by the caller. */
static char *take_text(struct reader *r)
{
    r->text.len -= r->trailing;
    r->trailing = 0;
    return buf_take(&r->text);
}

/* Bytes taken after a backslash, or 0: not an escape. */
static size_t read_escape(struct reader *r, struct span rest)
{
    int high, low;

    r->trailing = 0;
    if (rest.len == 0) return 0;
    if (strchr(" \"#+,;<=>\\", rest.p[0]) != NULL && rest.p[0] != '\0') {
        buf_append_char(&r->text, rest.p[0]);
        return 1;
    }
    if (rest.len < 2) return 0;
    high = hex_value(rest.p[0]);
    low = hex_value(rest.p[1]);
    if (high < 0 || low < 0) return 0;
    buf_append_char(&r->text, (char)(high << 4 | low));
    return 2;
}

static bool end_attribute(struct reader *r)
{
    if (r->type == NULL || r->type[0] == '\0') return false;
    add(r->dn, r->rdn, r->type, take_text(r));
    r->type = NULL;
    return true;
}

static bool read_all(struct reader *r, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        if (c == '\\') {
            size_t used = read_escape(r, span_from(text, i + 1));
            if (used == 0) return false;
            i += used;
        } else if (c == '=') {
            mem_free(r->type);
            r->type = take_text(r);
            if (i + 1 < text.len && text.p[i + 1] == '#') return false;     /* BER */
        } else if (c == ',' || c == '+') {
            if (!end_attribute(r)) return false;
            r->rdn += c == ',';
        } else if (c != ' ' || r->text.len > 0) {
            r->trailing = c == ' ' ? r->trailing + 1 : 0;
            buf_append_char(&r->text, c);
        }
    }
    return r->text.len == 0 || end_attribute(r);
}

enum status dn_parse(struct dn *dn, struct span text)
{
    struct reader r = { .dn = dn };
    bool good;

    *dn = (struct dn){ 0 };
    good = read_all(&r, text) && dn->count > 0;
    buf_free(&r.text);
    mem_free(r.type);
    if (good) return ST_OK;
    dn_fini(dn);
    return ST_BAD_INPUT;
}

static const char *type_name(const char *oid)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (span_is(span_of(oid), types[i].oid)) return types[i].name;
    return NULL;
}

enum status dn_from_certificate(struct dn *dn, const struct auth_certificate *cert)
{
    *dn = (struct dn){ 0 };
    for (size_t i = cert->subject_count; i-- > 0;) {
        const struct auth_attribute *a = &cert->subject[i];
        const char *name = type_name(a->oid);
        if (name == NULL) {
            dn_fini(dn);
            return ST_UNSUPPORTED;
        }
        add(dn, cert->subject[cert->subject_count - 1].rdn - a->rdn, mem_dup(name),
            mem_dup(a->value));
    }
    return ST_OK;
}

/* Where the relative name that starts at from ends. */
static size_t rdn_end(const struct dn *dn, size_t from)
{
    size_t to = from;

    while (to < dn->count && dn->items[to].rdn == dn->items[from].rdn) to++;
    return to;
}

static bool has_all(const struct dn *a, size_t a_from, size_t a_to, const struct dn *b,
                    size_t b_from, size_t b_to)
{
    for (size_t i = b_from; i < b_to; i++) {
        size_t j = a_from;
        while (j < a_to
               && !(span_equal_nocase(span_of(a->items[j].type), span_of(b->items[i].type))
                    && span_is(span_of(a->items[j].value), b->items[i].value)))
            j++;
        if (j == a_to) return false;
    }
    return true;
}

/* The relative names that start at ai and bi have the same attributes in any order. */
static bool rdn_equal(const struct dn *a, size_t ai, const struct dn *b, size_t bi)
{
    size_t a_to = rdn_end(a, ai), b_to = rdn_end(b, bi);

    return a_to - ai == b_to - bi && has_all(a, ai, a_to, b, bi, b_to)
        && has_all(b, bi, b_to, a, ai, a_to);
}

bool dn_equal(const struct dn *a, const struct dn *b)
{
    size_t i = 0;

    if (a->count != b->count) return false;
    while (i < a->count) {
        if (!rdn_equal(a, i, b, i)) return false;
        i = rdn_end(a, i);
    }
    return true;
}

/* The first free relative name of b that equals the one of a at ai; b->count: none. */
static size_t find_rdn(const struct dn *a, size_t ai, const struct dn *b, const bool *used)
{
    size_t i = 0;

    while (i < b->count && (used[i] || !rdn_equal(a, ai, b, i))) i = rdn_end(b, i);
    return i;
}

bool dn_equal_unordered(const struct dn *a, const struct dn *b)
{
    bool *used, equal = true;

    if (a->count != b->count) return false;
    used = mem_zero((b->count + 1) * sizeof *used);
    for (size_t i = 0; equal && i < a->count; i = rdn_end(a, i)) {
        size_t at = find_rdn(a, i, b, used);
        equal = at < b->count;
        used[at] = true;
    }
    mem_free(used);
    return equal;
}

static void append_escaped(struct buf *out, const char *value)
{
    size_t len = strlen(value);

    for (size_t i = 0; i < len; i++) {
        char c = value[i];
        if (strchr(",+\"\\<>;", c) != NULL || (c == ' ' && (i == 0 || i == len - 1))
            || (c == '#' && i == 0))
            buf_append_char(out, '\\');
        buf_append_char(out, c);
    }
}

/* Attributes of one type form one relative name; of some types only the last one counts. */
static void append_type(struct buf *out, const struct auth_certificate *cert, size_t type)
{
    const char *last = NULL, *separator = out->len > 0 ? "," : "";

    for (size_t i = 0; i < cert->subject_count; i++) {
        if (!span_is(span_of(cert->subject[i].oid), types[type].oid)) continue;
        last = cert->subject[i].value;
        if (types[type].single) continue;
        buf_printf(out, "%s%s=", separator, types[type].name);
        append_escaped(out, last);
        separator = "+";
    }
    if (!types[type].single || last == NULL || last[0] == '\0') return;
    buf_printf(out, "%s%s=", separator, types[type].name);
    append_escaped(out, last);
}

void dn_append_subject(struct buf *out, const struct auth_certificate *cert)
{
    struct buf text = { 0 };

    for (size_t type = 0; type < TYPE_DOMAIN; type++) append_type(&text, cert, type);
    buf_append_span(out, buf_span(&text));
    buf_free(&text);
}

void dn_append_domain(struct buf *out, const struct auth_certificate *cert)
{
    const char *separator = "";

    for (size_t i = 0; i < cert->subject_count; i++) {
        if (!span_is(span_of(cert->subject[i].oid), types[TYPE_DOMAIN].oid)) continue;
        buf_printf(out, "%sDC=%s", separator, cert->subject[i].value);
        separator = ",";
    }
}
