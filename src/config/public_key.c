/* SPDX-License-Identifier: Apache-2.0 */
/* public_key.c - base32 and checksum of nkeys. */
#include "config/public_key.h"

#define TEXT_LEN 56
#define RAW_LEN 35      /* prefix, 32 bytes of key, checksum */

static bool decode(struct span text, unsigned char raw[RAW_LEN])
{
    unsigned bits = 0, count = 0;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        unsigned value = c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A') :
                         c >= '2' && c <= '7' ? (unsigned)(c - '2') + 26 : 32;
        if (value == 32) return false;
        bits = (bits << 5 | value) & 0xfff;
        count += 5;
        if (count < 8) continue;
        count -= 8;
        raw[len++] = (unsigned char)(bits >> count);
    }
    return true;
}

static unsigned crc16(const unsigned char *p, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1) & 0xffff;
    }
    return crc;
}

bool public_key_is(char kind, struct span text)
{
    unsigned char raw[RAW_LEN];

    if (text.len != TEXT_LEN || text.p[0] != kind || !decode(text, raw)) return false;
    if (raw[0] != (kind - 'A') << 3) return false;
    return crc16(raw, RAW_LEN - 2) == (raw[RAW_LEN - 2] | (unsigned)raw[RAW_LEN - 1] << 8);
}
