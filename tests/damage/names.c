/* Names to damage by. */
#include <stdio.h>

#include "side.h"
#include "vocabulary.h"

static lesson_store_id draw_stranger(dice_state *dice) {
    static const char *const strangers[] = {"nobody", "no body", "\350\252\260", "%s", "nobody:else", "*"};
    return lesson_store_id_of(strangers[dice_below(dice, sizeof strangers / sizeof *strangers)]);
}

lesson_store_id side_draw_wrong(dice_state *dice) {
    static const char *const wrong[] = {"", "\001", "a\nb", "\377", "\303(", "\355\240\200", "\177", "a\tb"};
    static char too_long[LESSON_STORE_ID_MAX + 2];
    unsigned drawn = dice_below(dice, sizeof wrong / sizeof *wrong + 1);
    if (drawn < sizeof wrong / sizeof *wrong)
        return lesson_store_id_of(wrong[drawn]);
    memset(too_long, 'x', sizeof too_long - 1);
    return lesson_store_id_of(too_long);
}

lesson_store_id side_draw_uid(dice_state *dice) {
    static char large[32];
    switch (dice_below(dice, 8)) {
    case 0:
        return side_draw_wrong(dice);
    case 1:
        return draw_stranger(dice);
    case 2:
        snprintf(large, sizeof large, LARGE_UID, dice_below(dice, LARGE_MOST));
        return lesson_store_id_of(large);
    default:
        return lesson_store_id_of(awkward_vocabulary.users[dice_below(dice, MODEL_USERS)]);
    }
}

lesson_store_id side_draw_lesson(dice_state *dice) {
    if (dice_once_in(dice, 10))
        return side_draw_wrong(dice);
    if (dice_once_in(dice, 10))
        return draw_stranger(dice);
    return lesson_store_id_of(awkward_vocabulary.lessons[dice_below(dice, MODEL_LESSONS)]);
}
