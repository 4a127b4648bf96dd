/* SPDX-License-Identifier: Apache-2.0 */
/* ip.h - IP addresses as text. */
#ifndef PROTO_IP_H
#define PROTO_IP_H

#include "base/span.h"

/* Whether all of s is an IPv4 address in dotted decimal (no leading zeros) or an IPv6 address
 * (RFC 4291 section 2.2, without a zone). O(n). */
bool ip_is_address(struct span s);

#endif
