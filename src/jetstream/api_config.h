/* SPDX-License-Identifier: Apache-2.0 */
/* api_config.h - checks of a stream's config that need its account, for all requests that have
 * one. */
#ifndef JETSTREAM_API_CONFIG_H
#define JETSTREAM_API_CONFIG_H

#include "jetstream/api.h"

/* The rules of this request's account for c. */
struct stream_config_rules api_config_rules(const struct api_request *r,
                                            const struct stream_config *c);

/* Whether another stream of the account takes some of these subjects. O(subjects of all). */
bool api_subjects_overlap(const struct js_account *a, const struct js_texts *subjects,
                          const struct stream *but);

/* Whether c's max_bytes may be promised, and its consumers. was: what the stream reserves so
 * far. */
enum js_err api_check_reservation(const struct js_account *a, const struct stream_config *c,
                                  int64_t was);

#endif
