#include "model.h"

#include <string.h>

#include <lessonstore/lessonstore.h>

static const model_lesson no_lesson = {0, MODEL_NONE, MODEL_NONE, MODEL_NONE, 0};
static const model_user nowhere = {MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE};

void model_begin(model_state *model) {
    for (int i = 0; i < MODEL_LESSONS; i++)
        model->lessons[i] = no_lesson;
    for (int i = 0; i < MODEL_USERS; i++)
        model->users[i] = nowhere;
    for (int i = 0; i < MODEL_OWNERS; i++)
        model->holds[i] = 0;
    memset(model->bans, 0, sizeof model->bans);
}

void model_set_banned(model_state *model, int lesson, int user, bool is_banned) {
    unsigned bit = 1u << user % 8;
    uint8_t *bits = &model->bans[lesson][user / 8];
    *bits = (uint8_t)(is_banned ? *bits | bit : *bits & ~bit);
}

static model_answer answer_of(int code) {
    return (model_answer){.code = code,
                          .course = MODEL_NONE,
                          .lesson = MODEL_NONE,
                          .session = MODEL_NONE,
                          .owner = MODEL_NONE,
                          .course_status = MODEL_NONE,
                          .chat_status = MODEL_NONE};
}

static model_answer answer_with_place(int code, const model_user *user) {
    model_answer answer = answer_of(code);
    answer.course = user->course;
    answer.lesson = user->lesson;
    answer.session = user->session;
    answer.owner = user->owner;
    return answer;
}

static model_answer answer_with_statuses(int code, const model_lesson *lesson) {
    model_answer answer = answer_of(code);
    answer.course_status = lesson->course_status;
    answer.chat_status = lesson->chat_status;
    return answer;
}

static uint32_t count_members(const model_state *model, int lesson) {
    uint32_t count = 0;
    for (int i = 0; i < MODEL_USERS; i++)
        count += model->users[i].lesson == lesson;
    return count;
}

/* ---- Lessons */

static int8_t given_or(int8_t given, int8_t other) {
    return given == MODEL_NONE ? other : given;
}

static model_answer create(model_state *model, const model_call *call) {
    model_lesson *lesson = &model->lessons[call->lesson];
    if (lesson->has_record && !(call->flags & LESSON_STORE_CREATE_RESET))
        return answer_of(LESSON_STORE_EXISTS);
    lesson->has_record = 1;
    lesson->course_status = given_or(call->course_status, LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = given_or(call->chat_status, LESSON_STORE_CHAT_FREE);
    lesson->course = given_or(call->course, lesson->course);
    lesson->capacity = given_or(call->capacity, lesson->capacity);
    return answer_of(LESSON_STORE_OK);
}

static model_answer end(model_state *model, const model_call *call) {
    model_lesson *lesson = &model->lessons[call->lesson];
    bool had_record = lesson->has_record;
    *lesson = no_lesson;
    memset(model->bans[call->lesson], 0, sizeof model->bans[call->lesson]);
    if (call->flags & LESSON_STORE_END_RECORD_ONLY)
        return answer_of(had_record ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    uint32_t left = count_members(model, call->lesson);
    for (int i = 0; i < MODEL_USERS; i++) {
        if (model->users[i].lesson == call->lesson)
            model->users[i] = nowhere;
    }
    model_answer answer = answer_of(had_record || left > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    answer.count = left;
    return answer;
}

static bool is_expected(int expected, int present) {
    return expected == MODEL_NONE || expected == present;
}

static model_answer set(model_state *model, const model_call *call) {
    model_lesson *lesson = &model->lessons[call->lesson];
    if (!lesson->has_record)
        return answer_of(LESSON_STORE_NOT_FOUND);
    if (!is_expected(call->if_course_status, lesson->course_status) ||
        !is_expected(call->if_chat_status, lesson->chat_status))
        return answer_with_statuses(LESSON_STORE_CONFLICT, lesson);
    lesson->course_status = given_or(call->course_status, lesson->course_status);
    lesson->chat_status = given_or(call->chat_status, lesson->chat_status);
    lesson->capacity = given_or(call->capacity, lesson->capacity);
    return answer_of(LESSON_STORE_OK);
}

static model_answer get_lesson(const model_state *model, const model_call *call) {
    const model_lesson *lesson = &model->lessons[call->lesson];
    uint32_t members = count_members(model, call->lesson);
    if (!lesson->has_record && members == 0)
        return answer_of(LESSON_STORE_NOT_FOUND);
    model_answer answer = answer_with_statuses(LESSON_STORE_OK, lesson);
    answer.has_record = lesson->has_record;
    answer.count = members;
    answer.course = lesson->course;
    answer.capacity = lesson->capacity;
    return answer;
}

static model_answer count(const model_state *model, const model_call *call) {
    model_answer answer = answer_of(LESSON_STORE_OK);
    answer.count = count_members(model, call->lesson);
    return answer;
}

/* ---- Users */

/* The first flag of the call that refuses the join; 0: none. */
static uint32_t forbidding_flag(const model_state *model, uint32_t members, const model_user *user,
                                const model_call *call) {
    const model_lesson *lesson = &model->lessons[call->lesson];
    bool is_open =
        lesson->course_status == LESSON_STORE_COURSE_ONLINE || lesson->course_status == LESSON_STORE_COURSE_WAITING;
    bool is_member = user->lesson == call->lesson;
    if (call->flags & LESSON_STORE_JOIN_IF_EXISTS && !lesson->has_record)
        return LESSON_STORE_JOIN_IF_EXISTS;
    if (call->flags & LESSON_STORE_JOIN_UNLESS_BANNED && model_is_banned(model, call->lesson, call->user))
        return LESSON_STORE_JOIN_UNLESS_BANNED;
    if (call->flags & LESSON_STORE_JOIN_IF_OPEN && !is_open)
        return LESSON_STORE_JOIN_IF_OPEN;
    if (call->flags & LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER && !is_open && !(lesson->has_record && is_member))
        return LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER;
    if (call->flags & LESSON_STORE_JOIN_IF_ROOM && !is_member && lesson->capacity > 0 &&
        members >= (uint32_t)lesson->capacity)
        return LESSON_STORE_JOIN_IF_ROOM;
    if (call->flags & LESSON_STORE_JOIN_STAY && user->lesson != MODEL_NONE && !is_member)
        return LESSON_STORE_JOIN_STAY;
    return 0;
}

static uint8_t arrival_of(const model_user *user, int lesson) {
    if (user->lesson == MODEL_NONE)
        return LESSON_STORE_ARRIVAL_NEW;
    return user->lesson == lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE : LESSON_STORE_ARRIVAL_MOVED;
}

static model_answer join(model_state *model, const model_call *call) {
    model_user *user = &model->users[call->user];
    if (call->flags & LESSON_STORE_JOIN_OR_NOWHERE && call->if_session == MODEL_NONE)
        return answer_of(LESSON_STORE_INVALID);
    model_answer answer = answer_with_place(LESSON_STORE_OK, user);
    uint32_t members = count_members(model, call->lesson);
    bool is_back = user->lesson == MODEL_NONE && call->flags & LESSON_STORE_JOIN_OR_NOWHERE;
    if (call->if_session != MODEL_NONE && call->if_session != user->session && !is_back) {
        answer.code = LESSON_STORE_CONFLICT;
        return answer;
    }
    answer.refused_by = forbidding_flag(model, members, user, call);
    if (answer.refused_by) {
        answer.code = LESSON_STORE_REFUSED;
        answer.count = answer.refused_by == LESSON_STORE_JOIN_IF_ROOM ? members : 0;
        return answer;
    }
    if (call->owner != MODEL_NONE && !model->holds[call->owner]) {
        answer.code = LESSON_STORE_REFUSED;
        answer.refused_by = LESSON_STORE_JOIN_BY_OWNER;
        return answer;
    }
    answer.arrival = arrival_of(user, call->lesson);
    *user = (model_user){call->lesson, call->course, call->session, call->owner};
    return answer;
}

static model_answer quit(model_state *model, const model_call *call) {
    model_user *user = &model->users[call->user];
    if (user->lesson == MODEL_NONE)
        return answer_of(LESSON_STORE_NOT_FOUND);
    bool is_meant = (call->lesson == MODEL_NONE || call->lesson == user->lesson) &&
                    (call->session == MODEL_NONE || call->session == user->session);
    model_answer answer = answer_with_place(is_meant ? LESSON_STORE_OK : LESSON_STORE_CONFLICT, user);
    if (is_meant)
        *user = nowhere;
    return answer;
}

static model_answer where(const model_state *model, const model_call *call) {
    const model_user *user = &model->users[call->user];
    return answer_with_place(user->lesson == MODEL_NONE ? LESSON_STORE_NOT_FOUND : LESSON_STORE_OK, user);
}

static model_answer hold(model_state *model, const model_call *call) {
    if (call->flags & LESSON_STORE_HOLD_RENEW && !model->holds[call->owner])
        return answer_of(LESSON_STORE_CONFLICT);
    model->holds[call->owner] = 1;
    return answer_of(LESSON_STORE_OK);
}

static model_answer ban(model_state *model, const model_call *call) {
    model_user *user = &model->users[call->user];
    bool leaves = call->flags & LESSON_STORE_BAN_KICK && user->lesson == call->lesson;
    if (!model->lessons[call->lesson].has_record)
        return answer_of(LESSON_STORE_NOT_FOUND);
    model_set_banned(model, call->lesson, call->user, call->ban);
    model_answer answer = answer_with_place(LESSON_STORE_OK, leaves ? user : &nowhere);
    answer.count = leaves;
    if (leaves)
        *user = nowhere;
    return answer;
}

model_answer model_run(model_state *model, const model_call *call) {
    if (call->wrong)
        return answer_of(LESSON_STORE_INVALID);
    switch ((lesson_store_operation_kind)call->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return create(model, call);
    case LESSON_STORE_OPERATION_END:
        return end(model, call);
    case LESSON_STORE_OPERATION_SET:
        return set(model, call);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return get_lesson(model, call);
    case LESSON_STORE_OPERATION_JOIN:
        return join(model, call);
    case LESSON_STORE_OPERATION_QUIT:
        return quit(model, call);
    case LESSON_STORE_OPERATION_WHERE:
        return where(model, call);
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return count(model, call);
    case LESSON_STORE_OPERATION_HOLD:
        return hold(model, call);
    case LESSON_STORE_OPERATION_BAN:
        return ban(model, call);
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return answer_of(LESSON_STORE_INVALID);
}

bool model_answers_equal(const model_answer *a, const model_answer *b) {
    return a->code == b->code && a->count == b->count && a->arrival == b->arrival && a->refused_by == b->refused_by &&
           a->course == b->course && a->lesson == b->lesson && a->session == b->session && a->owner == b->owner &&
           a->has_record == b->has_record && a->course_status == b->course_status && a->chat_status == b->chat_status &&
           a->capacity == b->capacity;
}
