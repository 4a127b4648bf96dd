// SPDX-License-Identifier: Apache-2.0

// Key-value store: put, get, update, delete, history, time to live, and watching for changes.
//
// Run:  make key_value && ./key_value [nats://127.0.0.1:4222]     (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the bucket "config" and deletes it. Exits 0 if all went
// as it should, else 1.
#include "example.h"

// Takes the next entry of a watcher, which must be this one.
static void expect_entry(kvWatcher *watcher, const char *key, const char *value)
{
    kvEntry *entry = NULL;
    check(kvWatcher_Next(&entry, watcher, 10000), "watch");
    expect(entry != NULL && strcmp(kvEntry_Key(entry), key) == 0, "the watched key");
    expect(strcmp(kvEntry_ValueString(entry), value) == 0, "the watched value");
    printf("%s is %s\n", key, value);
    kvEntry_Destroy(entry);
}

// A watcher sees what is there first, then NULL, then what changes.
static void watch(kvStore *kv)
{
    kvWatcher *watcher = NULL;
    kvEntry *entry = NULL;

    check(kvStore_Watch(&watcher, kv, "api.*", NULL), "watch");
    expect_entry(watcher, "api.timeout", "30");
    expect_entry(watcher, "api.retries", "3");
    check(kvWatcher_Next(&entry, watcher, 10000), "watch");
    expect(entry == NULL, "all that was there has been seen");
    check(kvStore_PutString(NULL, kv, "api.timeout", "60"), "put");
    expect_entry(watcher, "api.timeout", "60");
    check(kvWatcher_Stop(watcher), "stop the watcher");
    kvWatcher_Destroy(watcher);
}

static void history(kvStore *kv)
{
    uint64_t revision = 0;
    kvEntry *entry = NULL;
    kvEntryList list = {NULL, 0};

    check(kvStore_CreateString(&revision, kv, "colour", "red"), "create");
    expect(kvStore_CreateString(NULL, kv, "colour", "red") != NATS_OK, "a second create fails");
    check(kvStore_UpdateString(NULL, kv, "colour", "green", revision), "update");
    expect(kvStore_UpdateString(NULL, kv, "colour", "blue", revision) != NATS_OK,
           "an update of an old revision fails");
    check(kvStore_Delete(kv, "colour"), "delete");
    expect(kvStore_Get(&entry, kv, "colour") == NATS_NOT_FOUND, "a deleted key");
    check(kvStore_History(&list, kv, "colour", NULL), "history");
    expect(list.Count == 3, "three entries of history");
    expect(kvEntry_Operation(list.Entries[0]) == kvOp_Put, "a put");
    expect(kvEntry_Operation(list.Entries[2]) == kvOp_Delete, "a deletion");
    kvEntryList_Destroy(&list);
}

// Entries of a bucket with a time to live go by themselves.
static void expire(jsCtx *js)
{
    kvStore *kv = NULL;
    kvEntry *entry = NULL;
    kvConfig config;
    int64_t deadline = nats_Now() + 10000;

    check(kvConfig_Init(&config), "configuration");
    config.Bucket = "short";
    config.TTL = (int64_t)1000 * 1000 * 1000;
    check(js_CreateKeyValue(&kv, js, &config), "create the bucket");
    check(kvStore_PutString(NULL, kv, "key", "value"), "put");
    while (kvStore_Get(&entry, kv, "key") == NATS_OK) {
        expect(nats_Now() < deadline, "the entry expires");
        kvEntry_Destroy(entry);
        nats_Sleep(100);
    }
    printf("the entry has expired\n");
    kvStore_Destroy(kv);
    check(js_DeleteKeyValue(js, "short"), "delete the bucket");
}

int main(int argc, char **argv)
{
    natsConnection *nc = NULL;
    jsCtx *js = NULL;
    kvStore *kv = NULL;
    kvEntry *entry = NULL;
    kvConfig config;

    check(natsConnection_ConnectTo(&nc, server_url(argc, argv)), "connect");
    check(natsConnection_JetStream(&js, nc, NULL), "context");
    check(kvConfig_Init(&config), "configuration");
    config.Bucket = "config";
    config.History = 5;
    config.TTL = (int64_t)3600 * 1000 * 1000 * 1000; // nanoseconds
    check(js_CreateKeyValue(&kv, js, &config), "create the bucket");
    check(kvStore_PutString(NULL, kv, "api.timeout", "30"), "put");
    check(kvStore_PutString(NULL, kv, "api.retries", "3"), "put");
    check(kvStore_Get(&entry, kv, "api.timeout"), "get");
    expect(strcmp(kvEntry_ValueString(entry), "30") == 0, "the value");
    expect(kvEntry_Revision(entry) == 1, "the revision");
    kvEntry_Destroy(entry);

    watch(kv);
    history(kv);
    expire(js);

    kvStore_Destroy(kv);
    check(js_DeleteKeyValue(js, "config"), "delete the bucket");
    jsCtx_Destroy(js);
    natsConnection_Destroy(nc);
    nats_Close();
    printf("key_value: ok\n");
    return 0;
}
