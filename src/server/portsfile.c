/* SPDX-License-Identifier: Apache-2.0 */
/* portsfile.c - JSON by base/jsonw. */
#include "server/portsfile.h"

#include "base/jsonw.h"
#include "base/mem.h"
#include "os/path.h"
#include "os/process.h"

static void write_list(struct jsonw *w, const char *key, const struct text_list *list)
{
    if (list->count == 0) return;
    jsonw_array(w, key);
    for (size_t i = 0; i < list->count; i++) jsonw_text(w, NULL, list->items[i]);
    jsonw_end_array(w);
}

char *portsfile_path(const char *folder)
{
    size_t len = strlen(folder);
    const char *slash = len > 0 && folder[len - 1] == '/' ? "" : "/";

    return mem_printf("%s%s%s_%d.ports", folder, slash, process_name(), process_id());
}

enum status portsfile_write(const char *folder, const struct portsfile_urls *urls,
                            struct error *why)
{
    struct buf text = { 0 };
    struct jsonw w = jsonw_start(&text);
    char *path = portsfile_path(folder);
    enum status st;

    jsonw_object(&w, NULL);
    write_list(&w, "nats", &urls->nats);
    write_list(&w, "monitoring", &urls->monitoring);
    write_list(&w, "cluster", &urls->cluster);
    write_list(&w, "profile", &urls->profile);
    write_list(&w, "websocket", &urls->websocket);
    jsonw_end_object(&w);
    st = path_write(path, buf_span(&text), 0666, why);
    buf_free(&text);
    mem_free(path);
    return st;
}

enum status portsfile_remove(const char *folder, struct error *why)
{
    char *path = portsfile_path(folder);
    enum status st = path_remove(path, why);

    mem_free(path);
    return st;
}
