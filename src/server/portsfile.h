/* SPDX-License-Identifier: Apache-2.0 */
/* portsfile.h - "<program>_<pid>.ports" in ports_file_dir: where a server that chose its own
 * ports can be reached, for test harnesses. Written when every listener is up, removed at exit.
 *
 * JSON {"nats":[...],"monitoring":[...],"cluster":[...],"profile":[...],"websocket":[...]} of
 * URLs; a listener that isn't there has no key. */
#ifndef SERVER_PORTSFILE_H
#define SERVER_PORTSFILE_H

#include "base/span.h"
#include "config/options.h"

/* The URLs of each kind of listener; the lists are borrowed. */
struct portsfile_urls {
    struct text_list nats, monitoring, cluster, profile, websocket;
};

/* Path of the file in folder; the caller frees it. */
char *portsfile_path(const char *folder);

/* Write the file, atomically, mode 0666 less the umask. IO: why says which step failed. */
MUST_USE enum status portsfile_write(const char *folder, const struct portsfile_urls *urls,
                                     struct error *why);

/* Remove it. NOT_FOUND, IO: why. */
MUST_USE enum status portsfile_remove(const char *folder, struct error *why);

#endif
