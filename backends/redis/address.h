/* Where a server listens: a host name, or an IPv4 or IPv6 address, and a port. */
#ifndef LESSON_STORE_REDIS_ADDRESS_H
#define LESSON_STORE_REDIS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define REDIS_HOST_SIZE 256 /* a name has at most 253 bytes */

typedef struct redis_address {
    char host[REDIS_HOST_SIZE]; /* "": the unix socket of the settings */
    int port;
} redis_address;

/* False for bytes that no host has: control bytes and spaces. */
static inline bool redis_is_host(const char *host, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)host[i] <= ' ' || host[i] == 0x7f)
            return false;
    }
    return size > 0 && size < REDIS_HOST_SIZE;
}

/* Writes an address. False, and the address as it was, if this is no host, or if there is no such port. */
static inline bool redis_address_set(redis_address *address, const char *host, size_t host_size, long long port) {
    if (!redis_is_host(host, host_size) || port < 1 || port > 65535)
        return false;
    memcpy(address->host, host, host_size);
    address->host[host_size] = '\0';
    address->port = (int)port;
    return true;
}

/* Returns the port that is written so, in decimal digits only. 0: this is none. */
static inline int redis_port_of(const char *digits, size_t size) {
    int port = 0;
    for (size_t i = 0; i < size; i++) {
        if (digits[i] < '0' || digits[i] > '9' || port > 65535)
            return 0;
        port = port * 10 + (digits[i] - '0');
    }
    return port <= 65535 ? port : 0;
}

static inline bool redis_address_is(const redis_address *address, const redis_address *other) {
    return address->port == other->port && strcmp(address->host, other->host) == 0;
}

#endif
