/* SPDX-License-Identifier: Apache-2.0 */
/* options_server.h - the small blocks of options.def. Private to config/. */
#ifndef CONFIG_OPTIONS_SERVER_H
#define CONFIG_OPTIONS_SERVER_H

#include "config/option_reader.h"

/* Each reads the value v of the key that options.def gives its name to. */
void parse_listen(struct option_reader *r, const struct conf_value *v);
void parse_http(struct option_reader *r, const struct conf_value *v);
void parse_https(struct option_reader *r, const struct conf_value *v);
void parse_tags(struct option_reader *r, const struct conf_value *v);
void parse_metadata(struct option_reader *r, const struct conf_value *v);
void parse_feature_flags(struct option_reader *r, const struct conf_value *v);
void parse_trace_verbose(struct option_reader *r, const struct conf_value *v);
void parse_trace_headers(struct option_reader *r, const struct conf_value *v);
void parse_max_sub_tokens(struct option_reader *r, const struct conf_value *v);
void parse_write_timeout(struct option_reader *r, const struct conf_value *v);
void parse_lame_duck_duration(struct option_reader *r, const struct conf_value *v);
void parse_lame_duck_grace_period(struct option_reader *r, const struct conf_value *v);

/* Read a whole file: every item of root. */
void options_read(struct option_reader *r, const struct conf_value *root);

#endif
