#include <string.h>

#include "slots.h"

/* CRC-16/XMODEM, as the Cluster specification of Redis says. Without a table, because a slot is computed only when a
 * store looks for its server. */
static unsigned crc16(const char *bytes, size_t size) {
    unsigned crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned)(unsigned char)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return crc & 0xffff;
}

/* Returns the size of the tag, and 0 if there is none. A { that is closed behind the front would take its tag from ids.
 */
static size_t find_tag(const char *front, const char **tag) {
    const char *open = strchr(front, '{');
    const char *close = open ? strchr(open + 1, '}') : NULL;
    *tag = open ? open + 1 : NULL;
    return close ? (size_t)(close - open - 1) : 0;
}

bool redis_has_tag(const char *front) {
    const char *tag;
    return find_tag(front, &tag) > 0;
}

unsigned redis_slot_of(const char *front) {
    const char *tag;
    size_t size = find_tag(front, &tag);
    return crc16(size > 0 ? tag : front, size > 0 ? size : strlen(front)) % REDIS_SLOTS;
}
