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

/* Writes an address. False if the host is empty or too long, or if there is no such port. */
static inline bool redis_address_set(redis_address *address, const char *host, size_t host_size, long long port) {
    if (host_size == 0 || host_size >= REDIS_HOST_SIZE || port < 1 || port > 65535)
        return false;
    memcpy(address->host, host, host_size);
    address->host[host_size] = '\0';
    address->port = (int)port;
    return true;
}

static inline bool redis_address_is(const redis_address *address, const redis_address *other) {
    return address->port == other->port && strcmp(address->host, other->host) == 0;
}

#endif
