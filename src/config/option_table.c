/* SPDX-License-Identifier: Apache-2.0 */
/* option_table.c - options.def made into rows. */
#include "config/option_table.h"

#include "base/duration.h"
#include "config/options_server.h"

#define GROUP(title) { .type = OPTION_GROUP, .name = title, .keys = "", .flags = "" },
#define OPTION(kind, field, title, names, flag_names, start, low, high, when, arg, text) \
    { .type = OPTION_##kind, .name = title, .keys = names, .flags = flag_names, \
      .offset = offsetof(struct options, field), .initial = start, .min = low, .max = high, \
      .reload = OPTION_##when, .argument = arg, .help = text, \
      .boolean = OPTION_##kind == OPTION_BOOL },
#define BLOCK(parser, title, names, when, text) \
    { .type = OPTION_BLOCK, .name = title, .keys = names, .flags = "", \
      .reload = OPTION_##when, .argument = "", .help = text, .parse = parse_##parser },
#define FLAG(action, flag_names, is_boolean, arg, text) \
    { .type = OPTION_FLAG, .name = "", .keys = "", .flags = flag_names, .argument = arg, \
      .help = text, .flag = FLAG_##action, .boolean = is_boolean },
#define UNSUPPORTED_KEYS(names, text) \
    { .type = OPTION_UNSUPPORTED_KEYS, .name = "", .keys = names, .flags = "", .help = text },
#define UNSUPPORTED_FLAGS(flag_names, is_boolean, arg) \
    { .type = OPTION_UNSUPPORTED_FLAGS, .name = "", .keys = "", .flags = flag_names, \
      .argument = arg, .help = "", .boolean = is_boolean },

const struct option_row option_rows[] = {
#include "config/options.def"
};

const size_t option_row_count = COUNT_OF(option_rows);

bool option_has_name(const char *names, struct span name, bool nocase)
{
    struct span rest = span_of(names);

    while (rest.len > 0) {
        size_t n = span_find(rest, ',');
        struct span one = span_make(rest.p, n);
        if (nocase ? span_equal_nocase(one, name) : span_equal(one, name)) return true;
        rest = span_from(rest, n < rest.len ? n + 1 : n);
    }
    return false;
}
