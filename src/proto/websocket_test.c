/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_test.c - frames, cut at every position; encoder against decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "proto/websocket.h"

enum { MAX_PAYLOAD = 1000 };            /* so compressed messages hold 8,000 bytes */

/* ---- a client's side ---- */

static void add_frame(struct buf *out, unsigned first, struct span payload, bool mask)
{
    static const unsigned char key[4] = { 0x11, 0xa2, 0x33, 0xc4 };
    unsigned char head[WEBSOCKET_HEAD_MAX];
    size_t n = websocket_frame_head(head, 0, false, false, payload.len);

    head[0] = (unsigned char)first;
    if (mask) head[1] |= 0x80;
    buf_append(out, head, n);
    if (mask) buf_append(out, key, sizeof key);
    for (size_t i = 0; i < payload.len; i++)
        buf_append_char(out, mask ? (char)(payload.p[i] ^ (char)key[i & 3]) : payload.p[i]);
}

static void add(struct buf *out, unsigned first, const char *payload)
{
    add_frame(out, first, span_of(payload), true);
}

/* Payload of the compressed message that the server's encoder makes of text. */
static void deflated(struct buf *out, struct span text)
{
    static const struct websocket_framing f = { .compress = true };
    struct websocket_deflater *z = websocket_deflater_new();
    struct buf frame = { 0 };
    unsigned length;

    websocket_encode(&f, z, &text, 1, &frame);
    assert_int_equal(frame.p[0] & 0x40, 0x40);
    length = (unsigned char)frame.p[1];
    buf_append_span(out, span_from(buf_span(&frame), length == 127 ? 10 : length == 126 ? 4 : 2));
    buf_free(&frame);
    websocket_deflater_free(&z);
}

/* ---- transcripts: data as it is, the rest in brackets ---- */

static void note(struct buf *log, const struct websocket_event *ev)
{
    static const char *const names[] = { "more", "data", "ping", "pong", "close", "error" };

    if (ev->kind == WEBSOCKET_DATA) {
        buf_append_span(log, ev->payload);
        return;
    }
    buf_printf(log, "[%s", names[ev->kind]);
    if (ev->status != 0) buf_printf(log, " %d", ev->status);
    buf_printf(log, " %.*s]", SPAN_ARG(ev->payload));
}

static void feed(struct websocket_decoder *d, struct span in, struct buf *log)
{
    char *copy = mem_dup_span(in);
    size_t at = 0, used;

    for (;;) {
        struct websocket_event ev = websocket_decode(d, copy + at, in.len - at, &used);
        at += used;
        if (ev.kind == WEBSOCKET_MORE) break;
        note(log, &ev);
    }
    assert_int_equal(at, in.len);
    mem_free(copy);
}

enum { COMPRESS = 1, NO_MASK = 2 };

/* Cut in steps of step bytes after the first cut bytes; compare with want. */
static void expect_cut(struct span in, int flags, size_t cut, size_t step, struct span want,
                       const char *what)
{
    struct websocket_decoder d;
    struct buf log = { 0 };

    websocket_decoder_init(&d, flags & COMPRESS, !(flags & NO_MASK), MAX_PAYLOAD);
    feed(&d, span_make(in.p, cut), &log);
    for (size_t at = cut; at < in.len; at += step)
        feed(&d, span_make(in.p + at, in.len - at < step ? in.len - at : step), &log);
    if (!span_equal(buf_span(&log), want))
        fail_msg("%s, cut %zu step %zu: %s", what, cut, step, buf_text(&log));
    websocket_decoder_fini(&d);
    buf_free(&log);
}

static void expect_span(struct buf *in, int flags, struct span want, const char *what)
{
    size_t stride = in->len > 3000 ? 7 : 1;

    for (size_t cut = 0; cut <= in->len; cut += stride)
        expect_cut(buf_span(in), flags, cut, in->len + 1, want, what);
    expect_cut(buf_span(in), flags, 0, 1, want, what);
    buf_free(in);
}

static void expect(struct buf *in, int flags, const char *want)
{
    expect_span(in, flags, span_of(want), want);
}

/* ---- decoder ---- */

static void data_and_control(void **state)
{
    struct buf in = { 0 };

    (void)state;
    add(&in, 0x82, "PING\r\n");
    add(&in, 0x81, "PO");
    add(&in, 0x82, "");
    add(&in, 0x89, "hi");
    add(&in, 0x8a, "");
    add(&in, 0x02, "NG");
    add(&in, 0x89, "mid");
    add(&in, 0x00, "\r");
    add(&in, 0x80, "\n");
    add(&in, 0x88, "\x03\xe8" "bye");
    add(&in, 0x82, "ignored");
    expect(&in, 0, "PING\r\nPO[ping hi][pong ]NG[ping mid]\r\n[close 1000 bye]");

    add_frame(&in, 0x82, SPAN_LIT("plain"), false);
    add_frame(&in, 0x82, SPAN_LIT("masked"), true);
    expect(&in, NO_MASK, "plainmasked");
}

static void lengths(void **state)
{
    static const size_t sizes[] = { 125, 126, 127, 65535, 65536 };
    char *text = mem_zero(65537);

    (void)state;
    for (size_t i = 0; i < 65536; i++) text[i] = (char)('a' + i % 26);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf in = { 0 };
        struct span payload = span_make(text, sizes[i]);
        add_frame(&in, 0x82, payload, true);
        for (size_t cut = 0; cut < 20; cut++)
            expect_cut(buf_span(&in), 0, cut, 1021, payload, "length");
        buf_free(&in);
    }
    mem_free(text);
}

static void violations(void **state)
{
    static const struct { const char *bytes; size_t len; int flags; const char *want; } rows[] = {
#define ROW(bytes, flags, want) { bytes, sizeof(bytes) - 1, flags, "[error 1002 " want "]" }
        ROW("\xa2", 0, "RSV2 and RSV3 must be clear"),
        ROW("\x92\x80", 0, "RSV2 and RSV3 must be clear"),
        ROW("\xc2", 0, "compressed frame received without negotiated permessage-deflate"),
        ROW("\x82\x01x", 0, "mask bit missing"),
        ROW("\x89\xfe", 0, "control frame length bigger than maximum allowed of 125 bytes"),
        ROW("\x88\xff", 0, "control frame length bigger than maximum allowed of 125 bytes"),
        ROW("\x09\x80", 0, "control frame does not have final bit set"),
        ROW("\xc9\x80", COMPRESS, "control frame must not be compressed"),
        ROW("\x02\x80....\x82\x80", 0,
            "new message started before final frame for previous message was received"),
        ROW("\x80\x80", 0, "invalid continuation frame"),
        ROW("\x02\x80....\xc0\x80", COMPRESS, "invalid continuation frame"),
        ROW("\x83\x80", 0, "unknown opcode 3"), ROW("\x8f\x80", 0, "unknown opcode 15"),
        ROW("\x82\xff\x80\0\0\0\0\0\0\0....", 0, "invalid 64-bit payload length"),
        ROW("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff....", 0, "invalid 64-bit payload length"),
        ROW("\x88\x01x", NO_MASK, "close frame payload cannot be 1 byte"),
        ROW("\x88\x02\x03\xe7", NO_MASK, "invalid close status code 999"),
        ROW("\x88\x02\x03\xec", NO_MASK, "invalid close status code 1004"),
        ROW("\x88\x02\x03\xed", NO_MASK, "invalid close status code 1005"),
        ROW("\x88\x02\x03\xee", NO_MASK, "invalid close status code 1006"),
        ROW("\x88\x02\x03\xf7", NO_MASK, "invalid close status code 1015"),
        ROW("\x88\x02\x0b\xb7", NO_MASK, "invalid close status code 2999"),
        ROW("\x88\x02\x13\x88", NO_MASK, "invalid close status code 5000"),
#undef ROW
        { "\x88\x02\x03\xf6", 4, NO_MASK, "[close 1014 ]" },
        { "\x88\x02\x0b\xb8", 4, NO_MASK, "[close 3000 ]" },
        { "\x88\x02\x13\x87", 4, NO_MASK, "[close 4999 ]" },
        { "\x88\x00", 2, NO_MASK, "[close 1005 ]" },
        { "\x88\x03\x03\xe8\xff", 5, NO_MASK, "[close 1007 invalid utf8 body in close frame]" },
        { "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff" "ab", 12, NO_MASK, "ab" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf in = { 0 };
        buf_append(&in, rows[i].bytes, rows[i].len);
        buf_append_text(&in, rows[i].want[0] == '[' ? "\x82\x01!" : "");     /* not looked at */
        expect(&in, rows[i].flags, rows[i].want);
    }
}

static void control_payload_at_its_limit(void **state)
{
    struct buf in = { 0 }, want = { 0 };
    char payload[WEBSOCKET_CONTROL_MAX];

    (void)state;
    memset(payload, 'p', sizeof payload);
    add_frame(&in, 0x89, span_make(payload, sizeof payload), true);
    buf_printf(&want, "[ping %.*s]", (int)sizeof payload, payload);
    expect_span(&in, 0, buf_span(&want), "control limit");
    buf_free(&want);
}

/* ---- decoder: compression ---- */

static void fill(struct buf *text, size_t len)
{
    struct rng rng;

    rng_seed(&rng, 3);
    for (size_t i = 0; i < len; i++) buf_append_char(text, (char)('a' + rng_below(&rng, 8)));
}

static void compressed_messages(void **state)
{
    struct buf in = { 0 }, text = { 0 }, z = { 0 }, want = { 0 };
    struct span pieces[3];

    (void)state;
    fill(&text, 700);
    deflated(&z, buf_span(&text));
    pieces[0] = span_make(z.p, 1);
    pieces[1] = span_make(z.p + 1, 50);
    pieces[2] = span_from(buf_span(&z), 51);
    add_frame(&in, 0xc2, buf_span(&z), true);           /* whole */
    add(&in, 0x82, "-plain-");
    add_frame(&in, 0x42, pieces[0], true);              /* in pieces; the first yields nothing */
    add(&in, 0x89, "p");
    add_frame(&in, 0x00, pieces[1], true);
    add(&in, 0x00, "");
    add_frame(&in, 0x80, pieces[2], true);
    add_frame(&in, 0xc2, SPAN_LIT("\0"), true);         /* an empty message (RFC 7692, 7.2.3.6) */
    add(&in, 0x82, "end");
    buf_append_span(&want, buf_span(&text));
    buf_append_text(&want, "-plain-[ping p]");
    buf_append_span(&want, buf_span(&text));
    buf_append_text(&want, "end");
    expect_span(&in, COMPRESS, buf_span(&want), "compressed");
    buf_free(&text);
    buf_free(&z);
    buf_free(&want);
}

/* text compressed n times over is decoded, or the decoder stops at exactly the limit. */
static void expect_inflated(size_t len, bool fits)
{
    struct buf in = { 0 }, text = { 0 }, z = { 0 }, want = { 0 };

    for (size_t i = 0; i < len; i++) buf_append_char(&text, 'x');
    deflated(&z, buf_span(&text));
    add_frame(&in, 0xc2, buf_span(&z), true);
    buf_append(&want, text.p, fits ? len : 8 * MAX_PAYLOAD);
    if (!fits) buf_append_text(&want, "[error 1009 Maximum Message Payload Exceeded]");
    expect_span(&in, COMPRESS, buf_span(&want), "inflated");
    buf_free(&text);
    buf_free(&z);
    buf_free(&want);
}

static void inflated_size_is_limited(void **state)
{
    (void)state;
    expect_inflated(8 * MAX_PAYLOAD, true);
    expect_inflated(8 * MAX_PAYLOAD + 1, false);
    expect_inflated(1500000, false);                    /* a bomb: 7 kB for 1.5 MB */
}

/* Empty stored blocks give no output, however many there are. */
static void compressed_size_is_limited(void **state)
{
    char blocks[4000];

    (void)state;
    for (size_t i = 0; i < sizeof blocks; i += 5) memcpy(blocks + i, "\0\0\0\xff\xff", 5);
    for (unsigned over = 0; over <= 1; over++) {
        struct buf in = { 0 };
        add_frame(&in, 0x42, span_make(blocks, 4000), true);
        add_frame(&in, 0x00, span_make(blocks, 3990), true);
        add_frame(&in, 0x00, over ? SPAN_LIT("\0\5\0\xfa\xff" "abcde")
                                  : SPAN_LIT("\0\4\0\xfb\xff" "abcd"), true);
        add_frame(&in, 0x80, SPAN_LIT("\0"), true);     /* byte 8,000 or 8,001 */
        expect(&in, COMPRESS,
               over ? "abcde[error 1009 Maximum Message Payload Exceeded]" : "abcd");
    }
}

static void bad_deflate_data(void **state)
{
    struct buf in = { 0 }, text = { 0 }, z = { 0 };

    (void)state;
    add_frame(&in, 0xc2, SPAN_LIT("\xff\xff\xff"), true);
    expect(&in, COMPRESS, "[error 1007 invalid compressed data]");
    add(&in, 0xc2, "");                                 /* not even an empty block */
    expect(&in, COMPRESS, "[error 1007 invalid compressed data]");
    add_frame(&in, 0xc2, SPAN_LIT("\x05"), true);       /* cut short in a dynamic block's head */
    expect(&in, COMPRESS, "[error 1007 invalid compressed data]");
    /* A last block ends the message's data; what follows it is not looked at. */
    add_frame(&in, 0xc2, SPAN_LIT("\x01\x02\x00\xfd\xffhi\x00junk"), true);
    add(&in, 0x82, "!");
    expect(&in, COMPRESS, "hi!");
    fill(&text, 300);
    deflated(&z, buf_span(&text));
    add_frame(&in, 0x42, span_make(z.p, 4), true);      /* never ended: no harm, no memory */
    expect(&in, COMPRESS, "");
    buf_free(&text);
    buf_free(&z);
}

/* ---- encoder ---- */

/* Decode what the server sent and count its frames and the longest one's payload. */
static void expect_sent(struct buf *sent, struct span want, bool compress)
{
    struct websocket_decoder d;
    struct buf log = { 0 };

    websocket_decoder_init(&d, compress, false, 1 << 20);
    feed(&d, buf_span(sent), &log);
    assert_true(span_equal(buf_span(&log), want));
    websocket_decoder_fini(&d);
    buf_free(&log);
}

static size_t count_frames(const struct buf *sent, size_t *longest, unsigned *first_bytes)
{
    size_t count = 0, at = 0;

    for (*longest = 0; at < sent->len; count++) {
        const unsigned char *p = (const unsigned char *)sent->p + at;
        size_t len = p[1], head = 2;
        if (len == 126) len = (size_t)p[2] << 8 | p[3], head = 4;
        else if (len == 127)
            len = (size_t)p[7] << 16 | (size_t)p[8] << 8 | p[9], head = 10;
        if (count < 2) first_bytes[count] = p[0];
        if (len > *longest) *longest = len;
        at += head + len;
    }
    return count;
}

static void encodes_as_agreed(void **state)
{
    static const struct {
        struct websocket_framing f;
        size_t len, frames;
        unsigned first, second;         /* bytes of the first two frames */
    } rows[] = {
        { { false, false, true }, 1, 1, 0x82, 0 }, { { false, false, true }, 100000, 1, 0x82, 0 },
        { { false, true, true }, 4096, 1, 0x82, 0 }, { { false, true, true }, 4097, 2, 0x82, 0x82 },
        { { false, true, true }, 100000, 25, 0x82, 0x82 },
        { { true, false, true }, 64, 1, 0x82, 0 }, { { true, false, true }, 65, 1, 0xc2, 0 },
        { { true, false, true }, 100000, 1, 0xc2, 0 },
        { { true, true, false }, 100000, 1, 0xc2, 0 },
        { { true, true, true }, 100000, 0, 0x42, 0x00 }, { { true, true, true }, 65, 1, 0xc2, 0 },
        { { false, false, true }, 0, 0, 0, 0 },
    };
    struct websocket_deflater *z = websocket_deflater_new();
    struct buf text = { 0 };

    (void)state;
    fill(&text, 100000);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t half = rows[i].len / 3, longest, frames;
        struct span parts[] = {
            span_make(text.p, half), SPAN_NONE, span_make(text.p + half, rows[i].len - half),
        };
        unsigned first[2] = { 0, 0 };
        struct buf sent = { 0 };

        websocket_encode(&rows[i].f, z, parts, COUNT_OF(parts), &sent);
        frames = count_frames(&sent, &longest, first);
        if ((rows[i].frames && frames != rows[i].frames) || first[0] != rows[i].first
            || first[1] != rows[i].second)
            fail_msg("row %zu: %zu frames, %x %x", i, frames, first[0], first[1]);
        if (rows[i].f.browser && rows[i].f.fragment_compressed) assert_true(longest <= 4096);
        expect_sent(&sent, span_make(text.p, rows[i].len), rows[i].f.compress);
        buf_free(&sent);
    }
    websocket_deflater_free(&z);
    buf_free(&text);
}

static void encodes_control_frames(void **state)
{
    char reason[200];
    struct buf out = { 0 };

    (void)state;
    websocket_encode_control(WEBSOCKET_OP_PONG, SPAN_LIT("hi"), &out);
    websocket_encode_close(WEBSOCKET_NORMAL, SPAN_LIT("Client Closed"), &out);
    websocket_encode_close(WEBSOCKET_NO_STATUS, SPAN_NONE, &out);
    assert_true(span_equal(buf_span(&out), SPAN_LIT("\x8a\x02hi\x88\x0f\x03\xe8"
                                                    "Client Closed\x88\0")));
    out.len = 0;
    memset(reason, 'r', sizeof reason);
    websocket_encode_close(WEBSOCKET_TOO_BIG, span_make(reason, 123), &out);
    assert_int_equal(out.len, 127);
    assert_int_equal(out.p[126], 'r');
    out.len = 0;
    websocket_encode_close(WEBSOCKET_TOO_BIG, span_make(reason, 124), &out);
    assert_int_equal(out.len, 127);
    assert_memory_equal(out.p + 123, "r...", 4);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_and_control), cmocka_unit_test(lengths),
        cmocka_unit_test(violations), cmocka_unit_test(control_payload_at_its_limit),
        cmocka_unit_test(compressed_messages), cmocka_unit_test(inflated_size_is_limited),
        cmocka_unit_test(compressed_size_is_limited), cmocka_unit_test(bad_deflate_data),
        cmocka_unit_test(encodes_as_agreed), cmocka_unit_test(encodes_control_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
