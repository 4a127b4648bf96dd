/* SPDX-License-Identifier: Apache-2.0 */
/* direct.h - DIRECT.GET: stored messages as they are, with what they are in headers (ADR-31). */
#ifndef JETSTREAM_DIRECT_H
#define JETSTREAM_DIRECT_H

#include "jetstream/api.h"

/* $JS.API.DIRECT.GET.<stream> with a body, and .<stream>.<subject>. */
void direct_handle_get(struct api_request *r);
void direct_handle_last(struct api_request *r);

#endif
