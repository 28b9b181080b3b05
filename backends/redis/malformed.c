#include <stdio.h>

#include "malformed.h"

void redis_malformed_note(redis_malformed *malformed, const char *what, lesson_store_id id) {
    if (malformed->count++ > 0)
        return;
    snprintf(malformed->first, sizeof malformed->first, "%s \"%.*s\"", what, (int)id.size, id.data ? id.data : "");
    for (char *byte = malformed->first; *byte; byte++) {
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    }
}

int redis_malformed_report(const redis_malformed *malformed, const redis_store *store) {
    if (malformed->count == 0)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s: %zu malformed entries were not listed; the first: %s",
                             store->settings.shown, malformed->count, malformed->first);
}
