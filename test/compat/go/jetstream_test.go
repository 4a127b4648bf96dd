// SPDX-License-Identifier: Apache-2.0
// server: jetstream

package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stream gives a context for JetStream and the new stream S of the subjects s.*.
func stream(t *testing.T, change func(*jetstream.StreamConfig)) (context.Context,
	jetstream.JetStream, jetstream.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	js, err := jetstream.New(connect(t))
	check(t, err)
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}}
	if change != nil {
		change(&config)
	}
	s, err := js.CreateStream(ctx, config)
	check(t, err)
	return ctx, js, s
}

func publish(t *testing.T, js jetstream.JetStream, count int) {
	t.Helper()
	futures := []jetstream.PubAckFuture{}
	for i := range count {
		f, err := js.PublishAsync(fmt.Sprintf("s.%d", i%5), fmt.Appendf(nil, "%d", i))
		check(t, err)
		futures = append(futures, f)
	}
	wait(t, "acks", js.PublishAsyncComplete())
	for i, f := range futures {
		select {
		case ack := <-f.Ok():
			if ack.Sequence != uint64(i+1) {
				t.Fatalf("message %d has sequence %d", i, ack.Sequence)
			}
		case err := <-f.Err():
			t.Fatal(err)
		}
	}
}

// A durable consumer with a callback gets all, acknowledges all, and keeps its place.
func TestJetStreamConsume(t *testing.T) {
	ctx, js, s := stream(t, nil)
	const count = 5000
	publish(t, js, count)
	config := jetstream.ConsumerConfig{Durable: "C", AckPolicy: jetstream.AckExplicitPolicy}
	consumer, err := s.CreateConsumer(ctx, config)
	check(t, err)
	next := uint64(1)
	done := make(chan bool)
	running, err := consumer.Consume(func(msg jetstream.Msg) {
		meta, err := msg.Metadata()
		if err != nil || meta.Sequence.Stream != next || meta.NumPending != count-next {
			t.Errorf("expected %d, got %+v, %v", next, meta, err)
		}
		next++
		if err := msg.Ack(); err != nil {
			t.Error(err)
		}
		if next == count+1 {
			close(done)
		}
	}, jetstream.PullMaxMessages(200))
	check(t, err)
	wait(t, "messages", done)
	running.Drain()
	wait(t, "the end", running.Closed())
	for deadline := time.Now().Add(patience); ; {
		info, err := consumer.Info(ctx)
		check(t, err)
		if info.AckFloor.Stream == count && info.NumAckPending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the acks have not arrived: %+v", info)
		}
	}
	// The same configuration again is no error, another one is.
	_, err = s.CreateConsumer(ctx, config)
	check(t, err)
	config.MaxDeliver = 3
	if _, err = s.CreateConsumer(ctx, config); !errors.Is(err, jetstream.ErrConsumerExists) {
		t.Fatalf("created twice: %v", err)
	}
	_, err = s.UpdateConsumer(ctx, config)
	check(t, err)
	config.Durable = "D"
	if _, err = s.UpdateConsumer(ctx, config); !errors.Is(err,
		jetstream.ErrConsumerDoesNotExist) {
		t.Fatalf("updated what is not there: %v", err)
	}
}

// An ordered consumer goes on when its server side is deleted.
func TestJetStreamOrdered(t *testing.T) {
	ctx, js, s := stream(t, nil)
	publish(t, js, 500)
	consumer, err := js.OrderedConsumer(ctx, "S", jetstream.OrderedConsumerConfig{})
	check(t, err)
	messages, err := consumer.Messages(jetstream.PullHeartbeat(500*time.Millisecond),
		jetstream.PullExpiry(2*time.Second), jetstream.PullMaxMessages(50))
	check(t, err)
	for i := range 500 {
		msg, err := messages.Next()
		check(t, err)
		if string(msg.Data()) != fmt.Sprint(i) {
			t.Fatalf("expected %d, got %s", i, msg.Data())
		}
		if i == 100 {
			names := s.ConsumerNames(ctx)
			for name := range names.Name() {
				check(t, s.DeleteConsumer(ctx, name))
			}
		}
	}
	messages.Stop()
}

// Fetching: by number, by bytes, without waiting, from several filters.
func TestJetStreamFetch(t *testing.T) {
	ctx, js, s := stream(t, nil)
	publish(t, js, 100)
	consumer, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubjects: []string{"s.1", "s.3"}, AckPolicy: jetstream.AckNonePolicy})
	check(t, err)
	subjects := map[string]int{}
	for _, fetch := range []func() (jetstream.MessageBatch, error){
		func() (jetstream.MessageBatch, error) { return consumer.Fetch(10) },
		func() (jetstream.MessageBatch, error) {
			return consumer.FetchBytes(400, jetstream.FetchMaxWait(time.Second))
		},
		func() (jetstream.MessageBatch, error) { return consumer.FetchNoWait(100) },
	} {
		batch, err := fetch()
		check(t, err)
		for msg := range batch.Messages() {
			subjects[msg.Subject()]++
		}
		check(t, batch.Error())
	}
	if len(subjects) != 2 || subjects["s.1"] != 20 || subjects["s.3"] != 20 {
		t.Fatalf("got %v", subjects)
	}
	if _, err = consumer.Next(jetstream.FetchMaxWait(50 * time.Millisecond)); !errors.Is(err,
		nats.ErrTimeout) {
		t.Fatalf("a message too many: %v", err)
	}
}

// Getting messages directly and through the API, deleting and purging them.
func TestJetStreamMessages(t *testing.T) {
	for _, direct := range []bool{false, true} {
		ctx, js, s := stream(t, func(c *jetstream.StreamConfig) { c.AllowDirect = direct })
		publish(t, js, 50)
		msg, err := s.GetMsg(ctx, 7)
		check(t, err)
		if msg.Subject != "s.1" || string(msg.Data) != "6" || msg.Sequence != 7 ||
			time.Since(msg.Time) > time.Minute {
			t.Fatalf("got %+v", msg)
		}
		msg, err = s.GetLastMsgForSubject(ctx, "s.2")
		check(t, err)
		if string(msg.Data) != "47" {
			t.Fatalf("got %s", msg.Data)
		}
		msg, err = s.GetMsg(ctx, 10, jetstream.WithGetMsgSubject("s.0"))
		check(t, err)
		if msg.Sequence != 11 {
			t.Fatalf("got %d", msg.Sequence)
		}
		check(t, s.DeleteMsg(ctx, 7))
		check(t, s.SecureDeleteMsg(ctx, 8))
		if _, err = s.GetMsg(ctx, 7); !errors.Is(err, jetstream.ErrMsgNotFound) {
			t.Fatalf("a deleted message: %v", err)
		}
		check(t, s.Purge(ctx, jetstream.WithPurgeSubject("s.3"), jetstream.WithPurgeKeep(2)))
		info, err := s.Info(ctx, jetstream.WithDeletedDetails(true),
			jetstream.WithSubjectFilter("s.3"))
		check(t, err)
		if info.State.Msgs != 50-2-8 || info.State.Subjects["s.3"] != 2 ||
			!slices.Contains(info.State.Deleted, 8) {
			t.Fatalf("got %+v", info.State)
		}
		check(t, js.DeleteStream(ctx, "S"))
	}
}

// A counter, an atomic batch of expectations, a message that expires.
func TestJetStreamPublishOptions(t *testing.T) {
	ctx, js, s := stream(t, func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true })
	ack, err := js.Publish(ctx, "s.a", nil, jetstream.WithExpectLastSequencePerSubject(0))
	check(t, err)
	_, err = js.Publish(ctx, "s.a", nil, jetstream.WithExpectLastSequencePerSubject(0))
	var apiErr *jetstream.APIError
	if !errors.As(err, &apiErr) || apiErr.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence ||
		apiErr.Description != "wrong last sequence: 1" {
		t.Fatalf("got %v", err)
	}
	_, err = js.Publish(ctx, "s.a", nil, jetstream.WithExpectLastSequence(ack.Sequence))
	check(t, err)
	_, err = js.Publish(ctx, "s.b", nil, jetstream.WithExpectStream("T"))
	if !errors.As(err, &apiErr) || apiErr.ErrorCode != 10060 {
		t.Fatalf("got %v", err)
	}
	_, err = js.Publish(ctx, "s.b", nil, jetstream.WithMsgTTL(time.Second))
	check(t, err)
	for deadline := time.Now().Add(patience); ; {
		if _, err = s.GetLastMsgForSubject(ctx, "s.b"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the message does not expire")
		}
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Fatal(err)
	}
}

// A mirror and a stream with sources get what was and what comes.
func TestJetStreamMirrorAndSources(t *testing.T) {
	ctx, js, _ := stream(t, nil)
	publish(t, js, 1000)
	mirror, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "M", Mirror: &jetstream.StreamSource{Name: "S"}, MirrorDirect: true})
	check(t, err)
	both, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "B",
		Sources: []*jetstream.StreamSource{
			{Name: "S", FilterSubject: "s.1"},
			{Name: "S", SubjectTransforms: []jetstream.SubjectTransformConfig{
				{Source: "s.2", Destination: "two"}}}}})
	check(t, err)
	_, err = js.Publish(ctx, "s.1", []byte("late"))
	check(t, err)
	for _, row := range []struct {
		stream jetstream.Stream
		count  uint64
	}{{mirror, 1001}, {both, 401}} {
		for deadline := time.Now().Add(patience); ; {
			info, err := row.stream.Info(ctx)
			check(t, err)
			if info.State.Msgs == row.count {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s has %d messages", info.Config.Name, info.State.Msgs)
			}
		}
	}
	msg, err := mirror.GetMsg(ctx, 500)
	check(t, err)
	if string(msg.Data) != "499" || msg.Subject != "s.4" {
		t.Fatalf("got %+v", msg)
	}
	msg, err = both.GetLastMsgForSubject(ctx, "two")
	check(t, err)
	if string(msg.Data) != "997" || msg.Header.Get("Nats-Stream-Source") == "" {
		t.Fatalf("got %+v", msg)
	}
}

// A work queue: what is acknowledged is gone.
func TestJetStreamWorkQueue(t *testing.T) {
	ctx, js, s := stream(t, func(c *jetstream.StreamConfig) {
		c.Retention = jetstream.WorkQueuePolicy
	})
	publish(t, js, 20)
	consumer, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "C", AckPolicy: jetstream.AckExplicitPolicy})
	check(t, err)
	batch, err := consumer.FetchNoWait(20)
	check(t, err)
	for msg := range batch.Messages() {
		check(t, msg.DoubleAck(ctx))
	}
	info, err := s.Info(ctx)
	check(t, err)
	if info.State.Msgs != 0 || info.State.LastSeq != 20 || info.State.FirstSeq != 21 {
		t.Fatalf("got %+v", info.State)
	}
}

// The older interface of the client: push subscriptions, with a queue group, and idle ones.
func TestJetStreamPush(t *testing.T) {
	_, js, _ := stream(t, nil)
	publish(t, js, 200)
	nc := connect(t)
	old, err := nc.JetStream()
	check(t, err)
	got := make(chan string, 400)
	for range 2 {
		_, err = old.QueueSubscribe("s.*", "workers", func(msg *nats.Msg) {
			if err := msg.AckSync(); err != nil {
				t.Error(err)
			}
			got <- string(msg.Data)
		}, nats.ManualAck(), nats.AckExplicit())
		check(t, err)
	}
	seen := map[string]bool{}
	for range 200 {
		seen[wait(t, "messages", got)] = true
	}
	if len(seen) != 200 {
		t.Fatalf("%d of 200 messages", len(seen))
	}
	sub, err := old.SubscribeSync("s.3", nats.OrderedConsumer(), nats.IdleHeartbeat(time.Second))
	check(t, err)
	for i := range 40 {
		msg, err := sub.NextMsg(patience)
		check(t, err)
		if string(msg.Data) != fmt.Sprint(i*5+3) {
			t.Fatalf("message %d is %s", i, msg.Data)
		}
	}
}

// Account information follows what is there.
func TestJetStreamAccount(t *testing.T) {
	ctx, js, s := stream(t, nil)
	publish(t, js, 3)
	_, err := s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "C"})
	check(t, err)
	info, err := js.AccountInfo(ctx)
	check(t, err)
	if info.Streams != 1 || info.Consumers != 1 || info.Store == 0 || info.Memory != 0 ||
		info.API.Total < 2 || info.API.Errors != 0 || info.API.Level < 2 {
		t.Fatalf("got %+v", info)
	}
	if _, err = js.Stream(ctx, "Z"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Fatalf("got %v", err)
	}
	names := []string{}
	lister := js.StreamNames(ctx, jetstream.WithStreamListSubject("s.x"))
	for name := range lister.Name() {
		names = append(names, name)
	}
	check(t, lister.Err())
	if !slices.Equal(names, []string{"S"}) {
		t.Fatalf("got %v", names)
	}
}
