/* SPDX-License-Identifier: Apache-2.0 */
/* conf_path.h - names of included files. Lexical only: no file is touched. */
#ifndef CONFIG_CONF_PATH_H
#define CONFIG_CONF_PATH_H

#include "base/span.h"

/* The path of the file name as included by includer ("" for no file): in the includer's folder,
 * always ("/x" too: nats-server joins), with "." and ".." resolved. The caller frees it. */
char *conf_path_join(struct span includer, struct span name);

#endif
