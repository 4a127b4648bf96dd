/* SPDX-License-Identifier: Apache-2.0 */
/* def2man.c - prints myelin(8) from the rows of options.def. Run by the build. */
#include <stdio.h>

#include "base/buf.h"
#include "config/option_table.h"

static void put_text(const char *s)
{
    if (*s == '.' || *s == '\'') fputs("\\&", stdout);
    for (; *s != '\0'; s++) {
        if (*s == '-') fputs("\\-", stdout);
        else if (*s == '\\') fputs("\\e", stdout);
        else putchar(*s);
    }
}

/* "a,addr" as "\fB-a\fR, \fB--addr\fR", or as keys without dashes. */
static void put_names(const char *names, bool dashes)
{
    struct span rest = span_of(names);

    while (rest.len > 0) {
        size_t n = span_find(rest, ',');
        bool is_short = n <= 2 || (rest.p[0] >= 'A' && rest.p[0] <= 'Z');
        printf("\\fB%s%.*s\\fR", !dashes ? "" : is_short ? "\\-" : "\\-\\-", (int)n, rest.p);
        rest = span_from(rest, n < rest.len ? n + 1 : n);
        if (rest.len > 0) fputs(", ", stdout);
    }
}

static void put_flags(void)
{
    puts(".SH OPTIONS");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->type == OPTION_GROUP) printf(".SS %s\n", row->name);
        if (row->flags[0] == '\0' || row->help[0] == '\0') continue;
        puts(".TP");
        put_names(row->flags, true);
        putchar(' ');
        put_text(row->argument);
        putchar('\n');
        put_text(row->help);
        putchar('\n');
    }
}

static void put_keys(void)
{
    puts(".SH CONFIGURATION FILE");
    puts("The file is in the language of nats\\-server: keys and values separated by\n"
         ".BR = ,\n.B :\nor white space, maps in braces, arrays in brackets, comments after\n"
         ".B #\nor\n.BR // ,\n.B include\nof other files,\n.B $NAME\nfor an earlier value or an\n"
         "environment variable. Flags override the file. Settings marked (reload) take effect on\n"
         "SIGHUP, the others at the next start.");
    for (size_t i = 0; i < option_row_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (row->type == OPTION_GROUP) printf(".SS %s\n", row->name);
        if (row->keys[0] == '\0' || row->type == OPTION_UNSUPPORTED_KEYS) continue;
        puts(".TP");
        put_names(row->keys, false);
        putchar('\n');
        put_text(row->help);
        puts(row->reload == OPTION_RELOAD ? " (reload)" : "");
    }
}

static void put_unsupported(void)
{
    puts(".SH NOT SUPPORTED\n"
         "These keys of nats\\-server stop the start, unless their value asks for nothing:");
    for (size_t i = 0; i < option_row_count; i++) {
        if (option_rows[i].type != OPTION_UNSUPPORTED_KEYS) continue;
        put_names(option_rows[i].keys, false);
        printf(" (%s),\n", option_rows[i].help);
    }
    puts("and the flags");
    for (size_t i = 0; i < option_row_count; i++) {
        if (option_rows[i].type != OPTION_UNSUPPORTED_FLAGS) continue;
        put_names(option_rows[i].flags, true);
        putchar('\n');
    }
}

int main(void)
{
    printf(".TH MYELIN 8 \"\" \"myelin %s\"\n", MYELIN_VERSION);
    puts(".SH NAME\nmyelin \\- messaging server for NATS clients\n"
         ".SH SYNOPSIS\n.B myelin\n.RI [ option ...]\n"
         ".SH DESCRIPTION\n"
         "Myelin passes messages between NATS clients: publish and subscribe, request and reply,\n"
         "queue groups. It takes the flags and the configuration file of nats\\-server.");
    put_flags();
    put_keys();
    put_unsupported();
    puts(".SH SIGNALS\n.TP\n.B INT, TERM\nStop.\n.TP\n.B HUP\nRead the configuration again.\n"
         ".TP\n.B USR1\nOpen the log file again.\n"
         ".TP\n.B USR2\nLame duck mode: close the clients little by little, then stop.\n"
         ".SH EXIT STATUS\n0 after a stop by signal, 1 when the start failed.");
    return ferror(stdout) ? 1 : 0;
}
