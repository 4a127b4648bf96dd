/* SPDX-License-Identifier: Apache-2.0 */
/* option_table.h - options.def as data. Const; private to config/. */
#ifndef CONFIG_OPTION_TABLE_H
#define CONFIG_OPTION_TABLE_H

#include "config/option_reader.h"

enum option_type {
    OPTION_BOOL, OPTION_INT, OPTION_INT64, OPTION_TEXT, OPTION_DURATION,    /* members */
    OPTION_GROUP, OPTION_BLOCK, OPTION_FLAG, OPTION_UNSUPPORTED_KEYS, OPTION_UNSUPPORTED_FLAGS,
};

enum option_reload { OPTION_FIXED, OPTION_RELOAD, OPTION_IGNORED };

enum option_flag {
    FLAG_NONE, FLAG_CHECK_CONFIG, FLAG_SIGNAL, FLAG_VV, FLAG_DV, FLAG_DVV, FLAG_USER, FLAG_PASS,
    FLAG_AUTH, FLAG_TLS, FLAG_TLS_CERT, FLAG_TLS_KEY, FLAG_TLS_VERIFY, FLAG_TLS_CA_CERT, FLAG_HELP,
    FLAG_VERSION, FLAG_HELP_TLS,
};

struct option_row {
    enum option_type type;
    const char *name;           /* in reload messages; the title of a group */
    const char *keys, *flags;   /* separated by commas; "": none */
    size_t offset;              /* of the member in struct options */
    int64_t initial, min, max;
    enum option_reload reload;
    const char *argument, *help;
    void (*parse)(struct option_reader *r, const struct conf_value *v);     /* of a block */
    enum option_flag flag;
    bool boolean;               /* the flag needs no value */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* Whether name is among the comma-separated names; without case for keys. */
bool option_has_name(const char *names, struct span name, bool nocase);

#endif
