/* SPDX-License-Identifier: Apache-2.0 */
/* fixture_test.h - files of test/data, for the tests of decoders. Only tests include this. */
#ifndef PROTO_FIXTURE_TEST_H
#define PROTO_FIXTURE_TEST_H

#include <stdio.h>

#include "base/assert.h"
#include "base/buf.h"
#include "proto/s2.h"
#include "proto/tar_reader.h"

#ifndef TEST_DATA
#define TEST_DATA "test/data"     /* meson gives the whole path */
#endif

/* The bytes of test/data/name; the caller frees. */
static inline struct buf fixture_read(const char *name)
{
    struct buf path = { 0 }, bytes = { 0 };
    char piece[4096];
    size_t n;
    FILE *f;

    buf_printf(&path, "%s/%s", TEST_DATA, name);
    f = fopen(buf_text(&path), "rb");
    if (f == NULL) fprintf(stderr, "can't open %s\n", buf_text(&path));
    assert(f != NULL);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0) buf_append(&bytes, piece, n);
    fclose(f);
    buf_free(&path);
    return bytes;
}

/* The bytes of test/data/name, an S2 stream, decoded; the caller frees. */
static inline struct buf fixture_read_s2(const char *name)
{
    struct buf bytes = fixture_read(name), plain = { 0 };
    struct s2_decoder d = { 0 };
    struct span in = buf_span(&bytes), out;
    size_t used;

    for (; in.len > 0; in = span_from(in, used)) {
        enum status st = s2_decode(&d, in, &used, &out, NULL);
        assert(st == ST_OK);
        buf_append_span(&plain, out);
    }
    s2_decoder_fini(&d);
    buf_free(&bytes);
    return plain;
}

/* The file at path of the tar in test/data/name, an S2 stream; the caller frees. */
static inline struct buf fixture_read_tar(const char *name, const char *path)
{
    struct buf tar = fixture_read_s2(name), bytes = { 0 };
    struct span in = buf_span(&tar);
    struct tar_event ev = { 0 };
    struct tar_reader r;
    size_t used;

    tar_reader_init(&r, UINT64_MAX);
    for (bool found = false; ev.kind != TAR_END; in = span_from(in, used)) {
        enum status st = tar_read(&r, in, &used, &ev, NULL);
        assert(st == ST_OK);
        if (ev.kind == TAR_FILE) found = span_is(ev.name, path);
        if (found) buf_append_span(&bytes, ev.data);
    }
    assert(bytes.len > 0);
    tar_reader_fini(&r);
    buf_free(&tar);
    return bytes;
}

#endif
