/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_transform.c - "source\ndestination\nsubject": compile, apply, weigh. */
#include "base/assert.h"
#include "proto/mapping.h"
#include "proto/subject.h"
#include "proto/transform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span line(struct span *rest)
{
    size_t at = span_find(*rest, '\n');
    struct span l = span_make(rest->p, at);

    *rest = at < rest->len ? span_from(*rest, at + 1) : SPAN_LIT("");
    return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size);
    struct span source = line(&rest), destination = line(&rest), subject = line(&rest);
    struct mapping_target target = { destination, 50, SPAN_NONE };
    struct transform *t;
    struct mapping *m;
    struct error why;
    struct buf out = { 0 };
    struct rng rng;

    rng_seed(&rng, 1);
    if (transform_compile(&t, source, destination, size % 2, &why) == ST_OK) {
        if (subject_is_valid_literal(subject) && transform_matches(t, subject))
            transform_apply(t, subject, &rng, &out);
        transform_free(&t);
    }
    if (mapping_compile(&m, source, &target, 1, &why) == ST_OK) {
        size_t before = out.len;
        if (subject_is_valid_literal(subject) && mapping_matches(m, subject))
            if (!mapping_choose(m, SPAN_NONE, subject, &rng, &out)) assert(out.len == before);
        mapping_free(&m);
    }
    buf_free(&out);
    return 0;
}
