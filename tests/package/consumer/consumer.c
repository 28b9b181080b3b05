#include <stdio.h>

#include "place.h"

int main(void) {
    lesson_store_place place;
    int code = place_of("ann", &place);
    if (code == LESSON_STORE_OK)
        printf("ann is in %s\n", place.lesson_id);
    return code != LESSON_STORE_OK;
}
