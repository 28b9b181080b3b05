#include <lessonstore/lessonstore.h>
#include <stdio.h>

int main(void) {
    lesson_store *store;
    lesson_store_place place;
    if (lesson_store_open(&store, "memory:") != LESSON_STORE_OK)
        return 1;
    int code = lesson_store_join(store, "ann", "algebra", "algebra 7", NULL, 0, NULL);
    if (code == LESSON_STORE_OK)
        code = lesson_store_where(store, "ann", &place);
    if (code == LESSON_STORE_OK)
        printf("ann is in %s\n", place.lesson_id);
    lesson_store_close(store);
    return code != LESSON_STORE_OK;
}
