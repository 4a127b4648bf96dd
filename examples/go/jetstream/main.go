// SPDX-License-Identifier: Apache-2.0

// Jetstream: a stream keeps messages, publishers get acks, a durable consumer works them off.
//
// Run: go run ./jetstream [nats://127.0.0.1:4222] (or set NATS_URL)
//
// Needs a server with JetStream (-js). Uses the stream ORDERS and deletes it. Exits 0 if all went
// as it should, else 1.
//
// Corrected against the snippet this grew from: it ignored errors, asked for three replicas, which
// only a cluster has (here the error is shown, then one is asked for), never ended, and used the
// older part of the client, which the jetstream package has replaced.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const replicasNotSupported = 10074

type order struct {
	ID    int     `json:"id"`
	Total float64 `json:"total"`
}

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

func createStream(ctx context.Context, js jetstream.JetStream) jetstream.Stream {
	config := jetstream.StreamConfig{
		Name:     "ORDERS",
		Subjects: []string{"orders.*"},
		MaxAge:   7 * 24 * time.Hour,
		Storage:  jetstream.FileStorage,
		Replicas: 3,
	}
	stream, err := js.CreateStream(ctx, config)
	var apiErr *jetstream.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode == replicasNotSupported {
		fmt.Printf("three replicas: %s\n", apiErr.Description)
		config.Replicas = 1
		stream, err = js.CreateStream(ctx, config)
	}
	check(err)
	return stream
}

func publish(ctx context.Context, js jetstream.JetStream) {
	for id := 1; id <= 25; id++ {
		data, err := json.Marshal(order{ID: id, Total: 99.99})
		check(err)
		// The message is on disk when the ack is here.
		ack, err := js.Publish(ctx, "orders.created", data)
		check(err)
		if ack.Stream != "ORDERS" || ack.Sequence != uint64(id) {
			log.Fatalf("wrong ack: %+v", ack)
		}
	}
	fmt.Println("published 25 orders")
}

// publishTwice shows that a message id makes a second attempt harmless.
func publishTwice(ctx context.Context, js jetstream.JetStream) {
	data := []byte(`{"id":123,"total":99.99}`)
	first, err := js.Publish(ctx, "orders.created", data, jetstream.WithMsgID("order-123"))
	check(err)
	second, err := js.Publish(ctx, "orders.created", data, jetstream.WithMsgID("order-123"))
	check(err)
	if first.Duplicate || !second.Duplicate || first.Sequence != second.Sequence {
		log.Fatalf("wrong acks: %+v, %+v", first, second)
	}
	fmt.Println("the second time it was a duplicate")
}

// consume works the stream off in batches until nothing is left.
func consume(ctx context.Context, stream jetstream.Stream) {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:    "orders-processor",
		AckPolicy:  jetstream.AckExplicitPolicy,
		MaxDeliver: 3,
		AckWait:    30 * time.Second,
	})
	check(err)
	count := 0
	for {
		batch, err := consumer.FetchNoWait(10)
		check(err)
		got := 0
		for msg := range batch.Messages() {
			var o order
			check(json.Unmarshal(msg.Data(), &o))
			count++
			got++
			if o.ID != count && o.ID != 123 {
				log.Fatalf("order %d came as number %d", o.ID, count)
			}
			check(msg.DoubleAck(ctx)) // returns when the server has taken the ack
		}
		check(batch.Error())
		if got == 0 {
			break
		}
	}
	info, err := consumer.Info(ctx)
	check(err)
	if count != 26 || info.NumPending != 0 || info.NumAckPending != 0 {
		log.Fatalf("processed %d orders, then: %+v", count, info)
	}
	fmt.Printf("processed %d orders\n", count)
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := nats.Connect(url(), nats.Name("jetstream"))
	check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	check(err)

	stream := createStream(ctx, js)
	publish(ctx, js)
	publishTwice(ctx, js)
	consume(ctx, stream)
	check(js.DeleteStream(ctx, "ORDERS"))
	fmt.Println("jetstream: ok")
}
