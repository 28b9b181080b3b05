/* Rules that every backend must apply in the same way. */
#include "core.h"

bool lesson_store_any_writes(const lesson_store_operation *operations, size_t count) {
    size_t i = 0;
    while (i < count && !lesson_store_operation_writes(&operations[i]))
        i++;
    return i < count;
}

static bool is_open(int32_t course_status) {
    return course_status == LESSON_STORE_COURSE_ONLINE || course_status == LESSON_STORE_COURSE_WAITING;
}

#define FLAGS_OF_LESSON                                                                              \
    (LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | \
     LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_UNLESS_BANNED)

bool lesson_store_join_needs_lesson(const lesson_store_operation *join) {
    return join->flags & FLAGS_OF_LESSON;
}

uint32_t lesson_store_admit(const lesson_store_operation *join, const lesson_store_lesson *lesson,
                            lesson_store_standing standing, bool is_banned) {
    bool is_member = standing == LESSON_STORE_STANDING_MEMBER;
    bool admits = lesson->has_record && is_open(lesson->course_status);
    bool is_full = lesson->capacity > 0 && lesson->member_count >= lesson->capacity;
    if (join->flags & LESSON_STORE_JOIN_IF_EXISTS && !lesson->has_record)
        return LESSON_STORE_JOIN_IF_EXISTS;
    if (join->flags & LESSON_STORE_JOIN_UNLESS_BANNED && lesson->has_record && is_banned)
        return LESSON_STORE_JOIN_UNLESS_BANNED;
    if (join->flags & LESSON_STORE_JOIN_IF_OPEN && !admits)
        return LESSON_STORE_JOIN_IF_OPEN;
    if (join->flags & LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER && !admits && !(lesson->has_record && is_member))
        return LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER;
    if (join->flags & LESSON_STORE_JOIN_IF_ROOM && is_full && !is_member)
        return LESSON_STORE_JOIN_IF_ROOM;
    if (join->flags & LESSON_STORE_JOIN_STAY && standing == LESSON_STORE_STANDING_ELSEWHERE)
        return LESSON_STORE_JOIN_STAY;
    return 0;
}

uint32_t lesson_store_join_refused_by(const lesson_store_operation *join, bool has_record, int32_t course_status,
                                      bool is_elsewhere) {
    const lesson_store_lesson lesson = {.has_record = has_record, .course_status = course_status};
    return lesson_store_admit(join, &lesson,
                              is_elsewhere ? LESSON_STORE_STANDING_ELSEWHERE : LESSON_STORE_STANDING_NOWHERE, false);
}

bool lesson_store_join_expects(const lesson_store_operation *join, lesson_store_standing standing,
                               lesson_store_id session) {
    if (!join->if_session.data)
        return true;
    if (standing == LESSON_STORE_STANDING_NOWHERE)
        return join->flags & LESSON_STORE_JOIN_OR_NOWHERE;
    return session.data && lesson_store_id_equal(session, join->if_session);
}

bool lesson_store_set_expects(const lesson_store_operation *set, int32_t course_status, int32_t chat_status) {
    return !(set->given & LESSON_STORE_GIVEN_IF_COURSE_STATUS && set->if_course_status != course_status) &&
           !(set->given & LESSON_STORE_GIVEN_IF_CHAT_STATUS && set->if_chat_status != chat_status);
}

void lesson_store_answer_place(const lesson_store_operation *operation, lesson_store_id course_id,
                               lesson_store_id lesson_id, lesson_store_id session) {
    lesson_store_place *place = operation->place;
    if (!place)
        return;
    lesson_store_id_copy(place->course_id, course_id);
    lesson_store_id_copy(place->lesson_id, lesson_id);
    lesson_store_id_copy(place->session, session);
    place->owner[0] = '\0';
    place->joined_ms = 0;
    memset(place->reserved, 0, sizeof place->reserved);
}

void lesson_store_answer_owner(const lesson_store_operation *operation, lesson_store_id owner, int64_t joined_ms) {
    if (!operation->place || !owner.data)
        return;
    lesson_store_id_copy(operation->place->owner, owner);
    operation->place->joined_ms = joined_ms;
}

void lesson_store_answer_course(lesson_store_operation *get, lesson_store_id course_id) {
    const lesson_store_id none = {NULL, 0};
    get->lesson.course_id = none;
    if (!course_id.data || !get->place)
        return;
    lesson_store_answer_place(get, course_id, none, none);
    get->lesson.course_id = lesson_store_id_of(get->place->course_id);
}

int lesson_store_code_of_unsent(int code) {
    return code == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : code;
}

void lesson_store_fail_operations(lesson_store_operation *operations, size_t first, size_t end, int code) {
    for (size_t i = first; i < end; i++) {
        if (operations[i].code != LESSON_STORE_UNANSWERED)
            continue;
        bool harmless = code == LESSON_STORE_UNKNOWN && !lesson_store_operation_writes(&operations[i]);
        lesson_store_answer(&operations[i], harmless ? LESSON_STORE_UNREACHABLE : code);
    }
}
