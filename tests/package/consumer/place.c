#include "place.h"

int place_of(const char *uid, lesson_store_place *place) {
    lesson_store *store;
    int code = lesson_store_open(&store, "memory:");
    if (code != LESSON_STORE_OK)
        return code;
    code = lesson_store_join(store, uid, "algebra", "algebra 7", NULL, 0, NULL);
    if (code == LESSON_STORE_OK)
        code = lesson_store_where(store, uid, place);
    lesson_store_close(store);
    return code;
}
