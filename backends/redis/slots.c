#include <stdint.h>
#include <string.h>

#include "slots.h"

/* CRC-16/XMODEM, as the Cluster specification of Redis says, half a byte at a time: the entries are the checksums of
 * the half bytes. */
static unsigned crc16(const char *bytes, size_t size) {
    static const uint16_t half[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
                                      0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned byte = (unsigned char)bytes[i];
        crc = (crc << 4 & 0xffff) ^ half[crc >> 12 ^ byte >> 4];
        crc = (crc << 4 & 0xffff) ^ half[crc >> 12 ^ (byte & 15)];
    }
    return crc;
}

lesson_store_id redis_find_tag(const char *key, size_t size) {
    const char *open = size > 0 ? memchr(key, '{', size) : NULL;
    size_t left = open ? (size_t)(key + size - open - 1) : 0;
    const char *close = left > 0 ? memchr(open + 1, '}', left) : NULL;
    return close ? (lesson_store_id){open + 1, (size_t)(close - open - 1)} : (lesson_store_id){NULL, 0};
}

/* A { that is closed behind the front would take its tag from ids. */
bool redis_has_tag(const char *front) {
    return redis_find_tag(front, strlen(front)).size > 0;
}

unsigned redis_slot_of_tag(const char *tag, size_t size) {
    return crc16(tag, size) % REDIS_SLOTS;
}

unsigned redis_slot_of_key(const char *key, size_t size) {
    lesson_store_id tag = redis_find_tag(key, size);
    return tag.size > 0 ? redis_slot_of_tag(tag.data, tag.size) : redis_slot_of_tag(key, size);
}

unsigned redis_slot_of(const char *front) {
    return redis_slot_of_key(front, strlen(front));
}
