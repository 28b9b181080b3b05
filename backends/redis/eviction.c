#include <stdio.h>

#include "eviction.h"

void redis_find_info(lesson_store_id info, const char *name, char *value, size_t size) {
    const char *line = info.data, *end = info.data + info.size;
    size_t name_size = strlen(name);
    value[0] = '\0';
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t line_size = (size_t)((next ? next : end) - line);
        if (line_size > name_size && memcmp(line, name, name_size) == 0 && line[name_size] == ':') {
            snprintf(value, size, "%.*s", (int)(line_size - name_size - 1), line + name_size + 1);
            value[strcspn(value, "\r")] = '\0';
        }
        line += line_size + 1;
    }
}

/* None of our keys expires, so only the policies for all keys evict them. */
const char *redis_eviction_read(lesson_store_id info, char policy[REDIS_POLICY_SIZE]) {
    char most[32];
    redis_find_info(info, "maxmemory_policy", policy, REDIS_POLICY_SIZE);
    redis_find_info(info, "maxmemory", most, sizeof most);
    if (strncmp(policy, "allkeys", 7) != 0)
        return NULL;
    return strcmp(most, "0") == 0
               ? "the server would evict lessons and users without an error if maxmemory were set: set "
                 "maxmemory-policy noeviction"
               : "the server evicts lessons and users without an error when it is full: set "
                 "maxmemory-policy noeviction";
}
