/* The list of troubles. */
#include "trouble.h"

#include <string.h>

#define TROUBLES_OF_ALL(X) \
    X(signals)             \
    X(forks)               \
    X(cancelled_threads)

#define TROUBLES_OF_FILES(X) \
    X(turned_link)           \
    X(moved_file)            \
    X(replaced_file)         \
    X(second_name)           \
    X(removed_log)           \
    X(removed_index)         \
    X(renamed_log)           \
    X(read_only_file)        \
    X(largest_size)          \
    X(limit_of_files)        \
    X(full_disk)

#define TROUBLES_OF_SERVERS(X) \
    X(lost_right)              \
    X(evicting_server)         \
    X(paused_writes)           \
    X(closed_connections)      \
    X(flushed_scripts)         \
    X(stopped_server)          \
    X(restarted_server)

#define DECLARE(name) extern const trouble_kind trouble_##name;
TROUBLES_OF_ALL(DECLARE)
TROUBLES_OF_FILES(DECLARE)
TROUBLES_OF_SERVERS(DECLARE)

#define LIST(name) &trouble_##name,
static const trouble_kind *const troubles[] = {TROUBLES_OF_ALL(LIST)
#ifdef SYSTEMS_WITH_FILES
                                                   TROUBLES_OF_FILES(LIST)
#endif
#ifdef SYSTEMS_WITH_SERVERS
                                                       TROUBLES_OF_SERVERS(LIST)
#endif
};

static unsigned engine_bit(const char *engine) {
    if (strcmp(engine, "sqlite") == 0)
        return TROUBLE_SQLITE;
    return strcmp(engine, "redis") == 0 ? TROUBLE_REDIS : TROUBLE_MEMORY;
}

const trouble_kind *trouble_at(const char *engine, size_t index) {
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        if (troubles[i]->engines & engine_bit(engine) && index-- == 0)
            return troubles[i];
    }
    return NULL;
}
