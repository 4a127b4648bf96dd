/* SPDX-License-Identifier: Apache-2.0 */
/* public_key.h - whether a text is a public nkey: all that checking a configuration needs. */
#ifndef CONFIG_PUBLIC_KEY_H
#define CONFIG_PUBLIC_KEY_H

#include "base/span.h"

/* text is a public key whose text starts with kind ('U' user, 'A' account): 56 characters of
 * base32 with a CRC-16/XMODEM at the end (github.com/nats-io/nkeys). */
bool public_key_is(char kind, struct span text);

#endif
