// SPDX-License-Identifier: Apache-2.0

// Key_value: put, get, update, delete, history, time to live, and watching for changes.
//
// Run: go run ./key_value [nats://127.0.0.1:4222] (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the bucket "config" and deletes it. Exits 0 if all went
// as it should, else 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func url() string {
	if len(os.Args) > 1 {
		return os.Args[1]
	}
	if env := os.Getenv("NATS_URL"); env != "" {
		return env
	}
	return nats.DefaultURL
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(right bool, format string, args ...any) {
	if !right {
		log.Fatalf(format, args...)
	}
}

// watch shows what is there first, then a nil, then what changes.
func watch(ctx context.Context, kv jetstream.KeyValue) {
	watcher, err := kv.Watch(ctx, "api.*")
	check(err)
	seen := []string{}
	for entry := range watcher.Updates() {
		if entry == nil {
			break
		}
		seen = append(seen, entry.Key()+"="+string(entry.Value()))
	}
	expect(slices.Equal(seen, []string{"api.timeout=30", "api.retries=3"}), "saw %v", seen)
	_, err = kv.Put(ctx, "api.timeout", []byte("60"))
	check(err)
	entry := <-watcher.Updates()
	fmt.Printf("key %s changed to %s\n", entry.Key(), entry.Value())
	expect(string(entry.Value()) == "60", "wrong value %q", entry.Value())
	check(watcher.Stop())
}

func history(ctx context.Context, kv jetstream.KeyValue) {
	revision, err := kv.Create(ctx, "colour", []byte("red"))
	check(err)
	_, err = kv.Create(ctx, "colour", []byte("red"))
	expect(errors.Is(err, jetstream.ErrKeyExists), "a second create: %v", err)
	_, err = kv.Update(ctx, "colour", []byte("green"), revision)
	check(err)
	_, err = kv.Update(ctx, "colour", []byte("blue"), revision)
	expect(err != nil, "an update of an old revision was taken")
	fmt.Printf("somebody else was faster: %v\n", err)
	check(kv.Delete(ctx, "colour"))
	_, err = kv.Get(ctx, "colour")
	expect(errors.Is(err, jetstream.ErrKeyNotFound), "a deleted key: %v", err)
	entries, err := kv.History(ctx, "colour")
	check(err)
	operations := []jetstream.KeyValueOp{}
	for _, entry := range entries {
		operations = append(operations, entry.Operation())
	}
	expect(slices.Equal(operations, []jetstream.KeyValueOp{jetstream.KeyValuePut,
		jetstream.KeyValuePut, jetstream.KeyValueDelete}), "history %v", operations)
}

// expire shows that an entry with a time to live goes by itself, and that a watcher is told.
func expire(ctx context.Context, js jetstream.JetStream) {
	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "short", LimitMarkerTTL: time.Minute})
	check(err)
	_, err = kv.Create(ctx, "key", []byte("value"), jetstream.KeyTTL(time.Second))
	check(err)
	watcher, err := kv.Watch(ctx, "key", jetstream.UpdatesOnly())
	check(err)
	entry := <-watcher.Updates()
	expect(entry.Operation() == jetstream.KeyValuePurge, "expected a marker, got %v", entry)
	check(watcher.Stop())
	_, err = kv.Get(ctx, "key")
	expect(errors.Is(err, jetstream.ErrKeyNotFound), "an expired key: %v", err)
	check(js.DeleteKeyValue(ctx, "short"))
	fmt.Println("the entry has expired")
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := nats.Connect(url(), nats.Name("key-value"))
	check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	check(err)

	kv, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "config", History: 5, TTL: time.Hour})
	check(err)
	_, err = kv.Put(ctx, "api.timeout", []byte("30"))
	check(err)
	_, err = kv.Put(ctx, "api.retries", []byte("3"))
	check(err)
	entry, err := kv.Get(ctx, "api.timeout")
	check(err)
	fmt.Printf("timeout: %s\n", entry.Value())
	expect(string(entry.Value()) == "30" && entry.Revision() == 1, "wrong entry %+v", entry)

	watch(ctx, kv)
	history(ctx, kv)
	status, err := kv.Status(ctx)
	check(err)
	expect(status.History() == 5 && status.TTL() == time.Hour, "wrong status %+v", status)
	expire(ctx, js)
	check(js.DeleteKeyValue(ctx, "config"))
	fmt.Println("key_value: ok")
}
