// SPDX-License-Identifier: Apache-2.0

// Object_store: files of any size, stored in chunks and checked by their digest.
//
// Run: go run ./object_store [nats://127.0.0.1:4222] (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the bucket "files" and deletes it. Exits 0 if all went
// as it should, else 1.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const size = 5_000_000

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

// copyFile stores a file and fetches it again.
func copyFile(ctx context.Context, store jetstream.ObjectStore) {
	folder, err := os.MkdirTemp("", "object-store-")
	check(err)
	defer os.RemoveAll(folder)
	data := make([]byte, size)
	_, err = rand.Read(data)
	check(err)
	source := filepath.Join(folder, "large_file.bin")
	check(os.WriteFile(source, data, 0o600))

	file, err := os.Open(source)
	check(err)
	defer file.Close()
	_, err = store.Put(ctx, jetstream.ObjectMeta{Name: "large_file.bin"}, file)
	check(err)
	downloaded := filepath.Join(folder, "downloaded_file.bin")
	check(store.GetFile(ctx, "large_file.bin", downloaded))
	got, err := os.ReadFile(downloaded)
	check(err)
	if !bytes.Equal(got, data) {
		log.Fatal("the copy differs")
	}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := nats.Connect(url(), nats.Name("object-store"))
	check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	check(err)
	store, err := js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "files"})
	check(err)

	copyFile(ctx, store)
	_, err = store.PutString(ctx, "note.txt", "a few words")
	check(err)
	note, err := store.GetString(ctx, "note.txt")
	check(err)
	if note != "a few words" {
		log.Fatalf("got %q", note)
	}

	objects, err := store.List(ctx)
	check(err)
	total := uint64(0)
	for _, info := range objects {
		fmt.Printf("object: %s, size: %d\n", info.Name, info.Size)
		total += info.Size
	}
	if len(objects) != 2 || total != size+11 {
		log.Fatalf("%d objects with %d bytes", len(objects), total)
	}

	check(store.Delete(ctx, "note.txt"))
	if _, err = store.GetInfo(ctx, "note.txt"); !errors.Is(err, jetstream.ErrObjectNotFound) {
		log.Fatalf("a deleted object: %v", err)
	}
	check(js.DeleteObjectStore(ctx, "files"))
	fmt.Println("object_store: ok")
}
