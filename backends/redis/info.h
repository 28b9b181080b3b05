/* Facts that are told alike of one server and of several. */
#ifndef LESSON_STORE_REDIS_INFO_H
#define LESSON_STORE_REDIS_INFO_H

#include "connection.h"
#include "eviction.h"

typedef struct redis_eviction {
    char policy[REDIS_POLICY_SIZE];
    const char *warning; /* for a person; NULL: our keys are safe, as far as is known */
} redis_eviction;

/* What INFO memory says; "": the server has refused it. */
redis_eviction redis_info_read_eviction(lesson_store_id info);

/* Both return false if the callback wants no more. */
bool redis_info_report_eviction(const redis_eviction *eviction, lesson_store_info_callback callback, void *context);
bool redis_info_report_tls(const redis_connection *connection, lesson_store_info_callback callback, void *context);

#endif
