#include "draw.h"

#include <lessonstore/lessonstore.h>

static const uint8_t kinds[] = {
    LESSON_STORE_OPERATION_JOIN,          LESSON_STORE_OPERATION_JOIN,       LESSON_STORE_OPERATION_JOIN,
    LESSON_STORE_OPERATION_JOIN,          LESSON_STORE_OPERATION_JOIN,       LESSON_STORE_OPERATION_JOIN,
    LESSON_STORE_OPERATION_QUIT,          LESSON_STORE_OPERATION_QUIT,       LESSON_STORE_OPERATION_QUIT,
    LESSON_STORE_OPERATION_SET,           LESSON_STORE_OPERATION_SET,        LESSON_STORE_OPERATION_CREATE,
    LESSON_STORE_OPERATION_END,           LESSON_STORE_OPERATION_GET_LESSON, LESSON_STORE_OPERATION_WHERE,
    LESSON_STORE_OPERATION_COUNT_MEMBERS, LESSON_STORE_OPERATION_HOLD,       LESSON_STORE_OPERATION_BAN};

static bool is_of_0_1(const draw_range *range) {
    return range->leaves_out == DRAW_OF_0_1;
}

static int8_t draw_number(dice_state *dice, unsigned end) {
    return (int8_t)dice_below(dice, end);
}

static int8_t draw_or_none(dice_state *dice, unsigned end, unsigned given_in) {
    return end > 0 && dice_once_in(dice, given_in) ? draw_number(dice, end) : MODEL_NONE;
}

static model_call draw_set(dice_state *dice, const draw_range *range, int8_t lesson) {
    model_call call = MODEL_SET(lesson, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, false, 0);
    call.course_status = draw_or_none(dice, 4, 2);
    call.chat_status = draw_or_none(dice, 2, 2);
    if (!is_of_0_1(range))
        call.capacity = draw_or_none(dice, 4, 4);
    if (call.course_status == MODEL_NONE && call.chat_status == MODEL_NONE && call.capacity == MODEL_NONE)
        call.course_status = draw_number(dice, 4);
    call.if_course_status = draw_or_none(dice, 4, 3);
    call.if_chat_status = draw_or_none(dice, 2, 3);
    return call;
}

static model_call draw_create(dice_state *dice, const draw_range *range, int8_t lesson, uint16_t flags) {
    if (is_of_0_1(range) || !dice_once_in(dice, 2))
        return (model_call)MODEL_CREATE(lesson, flags, false, 0);
    int8_t course = draw_or_none(dice, range->courses, 2), course_status = draw_or_none(dice, 4, 2);
    int8_t chat_status = draw_or_none(dice, 2, 3), capacity = draw_or_none(dice, 4, 2);
    return (model_call)MODEL_CREATE_WITH(lesson, course, course_status, chat_status, capacity, flags, false, 0);
}

static uint16_t draw_flags(dice_state *dice, unsigned flags) {
    return (uint16_t)(dice_bits(dice) & dice_bits(dice) & flags);
}

static int8_t draw_owner(dice_state *dice, const draw_range *range) {
    return draw_or_none(dice, range->leaves_out & DRAW_NO_OWNERS ? 0 : MODEL_OWNERS, 2);
}

/* A plain join is more frequent than one of a flag, because it has a script of its own in Redis. */
static model_call draw_join(dice_state *dice, const draw_range *range, int8_t user, int8_t lesson) {
    enum {
        FLAGS_0_1 = LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY,
        FLAGS_0_2 = FLAGS_0_1 | LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM |
                    LESSON_STORE_JOIN_UNLESS_BANNED
    };
    int8_t course = draw_number(dice, range->courses), session = draw_or_none(dice, range->sessions, 3);
    if (is_of_0_1(range) || !dice_once_in(dice, 3))
        return (model_call)MODEL_JOIN(user, course, lesson, session, draw_flags(dice, FLAGS_0_1), false, 0);
    int8_t if_session = draw_or_none(dice, range->sessions, 3), owner = draw_owner(dice, range);
    uint16_t flags = draw_flags(dice, FLAGS_0_2);
    if (if_session != MODEL_NONE && dice_once_in(dice, 2))
        flags |= LESSON_STORE_JOIN_OR_NOWHERE;
    return (model_call)MODEL_ADMIT(user, course, lesson, session, if_session, owner, flags, false, 0);
}

/* More bans are made than lifted. */
static model_call draw_ban(dice_state *dice, int8_t user, int8_t lesson) {
    bool lifts = dice_once_in(dice, 4), kicks = dice_once_in(dice, 2);
    return (model_call)MODEL_BAN(user, lesson, !lifts, !lifts && kicks ? LESSON_STORE_BAN_KICK : 0, false, 0);
}

static model_call draw_valid(dice_state *dice, const draw_range *range) {
    int8_t user = draw_number(dice, range->users);
    int8_t lesson = draw_number(dice, range->lessons);
    switch ((lesson_store_operation_kind)kinds[dice_below(dice, sizeof kinds)]) {
    case LESSON_STORE_OPERATION_CREATE:
        return draw_create(dice, range, lesson, draw_flags(dice, LESSON_STORE_CREATE_RESET));
    case LESSON_STORE_OPERATION_END:
        return (model_call)MODEL_END(lesson, draw_flags(dice, LESSON_STORE_END_RECORD_ONLY), false, 0);
    case LESSON_STORE_OPERATION_SET:
        return draw_set(dice, range, lesson);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return (model_call)MODEL_GET_LESSON(lesson, false, 0);
    case LESSON_STORE_OPERATION_JOIN:
        return draw_join(dice, range, user, lesson);
    case LESSON_STORE_OPERATION_QUIT:
        return (model_call)MODEL_QUIT(user, dice_once_in(dice, 2) ? lesson : MODEL_NONE,
                                      draw_or_none(dice, range->sessions, 4), false, 0);
    case LESSON_STORE_OPERATION_WHERE:
        return (model_call)MODEL_WHERE(user, false, 0);
    case LESSON_STORE_OPERATION_HOLD:
        if (!(range->leaves_out & DRAW_NO_OWNERS))
            return (model_call)MODEL_HOLD(draw_number(dice, MODEL_OWNERS), draw_flags(dice, LESSON_STORE_HOLD_RENEW),
                                          false, 0);
        break;
    case LESSON_STORE_OPERATION_BAN:
        if (!is_of_0_1(range))
            return draw_ban(dice, user, lesson);
        break;
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return (model_call)MODEL_COUNT(lesson, false, 0);
}

model_call draw_call(dice_state *dice, const draw_range *range) {
    model_call call = draw_valid(dice, range);
    if (range->wrong_in && dice_once_in(dice, range->wrong_in))
        call.wrong = (uint8_t)(1 + dice_below(dice, MODEL_WRONG_END - 1));
    return call;
}
