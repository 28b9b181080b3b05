#include "vocabulary.h"

#include <string.h>

/* 254 bytes. */
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG FIFTY FIFTY FIFTY FIFTY FIFTY "0123"

const vocabulary awkward_vocabulary = {
    .users = {"ann",
              "Ann",
              "ann ",
              " ann",
              "a:b:c",
              "#1",
              "x@y.z",
              "a|b",
              "\"quoted\"",
              "o'hara",
              "{tag}",
              "\345\255\246\347\224\237",
              "\303\251",
              "e\314\201",
              "\360\237\230\200",
              "%s%n%d",
              "'; DROP TABLE users; --",
              "*",
              "[a-z]?",
              "\\x00",
              "$1",
              "-1",
              "0",
              "None",
              "nil",
              "\302\240",
              "\357\273\277bom",
              LONG "a",
              LONG "b",
              "STATUS:LESSON_USER:LESSON_ID:algebra",
              "plain",
              "another"},
    .lessons = {"algebra", "Algebra", "algebra ", "\346\225\260\345\255\246 1: {a}|b#c@d", LONG "a", LONG "b"},
    .courses = {"maths", "\"M\" %s", LONG "c"},
    .sessions = {"s", "S", "\344\274\232 1"},
    .owners = {"w/1", "w/2", LONG "w"},
};

int vocabulary_number(const char *const *names, size_t count, lesson_store_id name) {
    if (name.size == 0)
        return MODEL_NONE;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == name.size && memcmp(names[i], name.data, name.size) == 0)
            return (int)i;
    }
    return MODEL_STRANGER;
}

model_lesson vocabulary_lesson(const vocabulary *words, const lesson_store_lesson *lesson) {
    int course = vocabulary_number(words->courses, MODEL_COURSES, lesson->course_id);
    return (model_lesson){lesson->has_record, (int8_t)lesson->course_status, (int8_t)lesson->chat_status,
                          (int8_t)course, (int8_t)lesson->capacity};
}

model_user vocabulary_user(const vocabulary *words, const lesson_store_user *user) {
    return (model_user){(int8_t)vocabulary_number(words->lessons, MODEL_LESSONS, user->lesson_id),
                        (int8_t)vocabulary_number(words->courses, MODEL_COURSES, user->course_id),
                        (int8_t)vocabulary_number(words->sessions, MODEL_SESSIONS, user->session),
                        (int8_t)vocabulary_number(words->owners, MODEL_OWNERS, user->owner)};
}

static lesson_store_id name_of(const char *const *names, int number) {
    return lesson_store_id_of(number == MODEL_NONE ? NULL : names[number]);
}

/* ---- Asking */

static void make_wrong(lesson_store_operation *operation, const model_call *call) {
    lesson_store_id *id = call->user != MODEL_NONE     ? &operation->uid
                          : call->lesson != MODEL_NONE ? &operation->lesson_id
                                                       : &operation->owner;
    switch (call->wrong) {
    case MODEL_WRONG_ID_MISSING:
        *id = lesson_store_id_of(NULL);
        return;
    case MODEL_WRONG_ID_EMPTY:
        *id = lesson_store_id_of("");
        return;
    case MODEL_WRONG_ID_LONG:
        *id = lesson_store_id_of(LONG "ab");
        return;
    case MODEL_WRONG_ID_CONTROL:
        *id = lesson_store_id_of("a\tb");
        return;
    case MODEL_WRONG_ID_UTF8:
        *id = lesson_store_id_of("a\300\200");
        return;
    case MODEL_WRONG_KIND:
        operation->kind = LESSON_STORE_OPERATION_BAN + 1;
        return;
    case MODEL_WRONG_FLAG:
        operation->flags |= LESSON_STORE_JOIN_OR_NOWHERE << 1;
        return;
    case MODEL_WRONG_STATUS:
        operation->course_status = LESSON_STORE_COURSE_WAITING + 1;
        return;
    case MODEL_WRONG_RESERVED:
        operation->reserved[1] = 1;
        return;
    default:
        return;
    }
}

static void give(lesson_store_operation *operation, int32_t *status, uint32_t bit, int8_t wanted) {
    if (wanted == MODEL_NONE)
        return;
    *status = wanted;
    operation->given |= bit;
}

lesson_store_operation vocabulary_ask(const vocabulary *words, const model_call *call, lesson_store_place *place) {
    lesson_store_operation operation = {.kind = call->kind};
    operation.flags = call->flags;
    operation.uid = name_of(words->users, call->user);
    operation.course_id = name_of(words->courses, call->course);
    operation.lesson_id = name_of(words->lessons, call->lesson);
    operation.session = name_of(words->sessions, call->session);
    operation.if_session = name_of(words->sessions, call->if_session);
    operation.owner = name_of(words->owners, call->owner);
    if (call->kind == LESSON_STORE_OPERATION_HOLD)
        operation.lease_ms = MODEL_LEASE_MS;
    if (call->kind == LESSON_STORE_OPERATION_BAN)
        operation.ban_ms = call->ban ? MODEL_BAN_MS : 0;
    if (call->capacity != MODEL_NONE) {
        operation.capacity = (uint64_t)call->capacity;
        operation.given |= LESSON_STORE_GIVEN_CAPACITY;
    }
    give(&operation, &operation.course_status, LESSON_STORE_GIVEN_COURSE_STATUS, call->course_status);
    give(&operation, &operation.chat_status, LESSON_STORE_GIVEN_CHAT_STATUS, call->chat_status);
    give(&operation, &operation.if_course_status, LESSON_STORE_GIVEN_IF_COURSE_STATUS, call->if_course_status);
    give(&operation, &operation.if_chat_status, LESSON_STORE_GIVEN_IF_CHAT_STATUS, call->if_chat_status);
    operation.place = place;
    make_wrong(&operation, call);
    return operation;
}

/* ---- Reading answers */

static void hear_place(const vocabulary *words, const lesson_store_place *place, model_answer *answer) {
    answer->course = (int8_t)vocabulary_number(words->courses, MODEL_COURSES, lesson_store_id_of(place->course_id));
    answer->lesson = (int8_t)vocabulary_number(words->lessons, MODEL_LESSONS, lesson_store_id_of(place->lesson_id));
    answer->session = (int8_t)vocabulary_number(words->sessions, MODEL_SESSIONS, lesson_store_id_of(place->session));
    answer->owner = (int8_t)vocabulary_number(words->owners, MODEL_OWNERS, lesson_store_id_of(place->owner));
    if ((place->joined_ms > 0) != (place->owner[0] != '\0'))
        answer->owner = MODEL_STRANGER;
}

static void hear_statuses(const lesson_store_lesson *lesson, model_answer *answer) {
    answer->course_status = (int8_t)lesson->course_status;
    answer->chat_status = (int8_t)lesson->chat_status;
}

static void hear_refusal(const lesson_store_operation *join, model_answer *answer) {
    answer->refused_by = join->refused_by;
    if (join->refused_by == LESSON_STORE_JOIN_IF_ROOM)
        answer->count = (uint32_t)join->count;
}

static bool returns_place(const lesson_store_operation *operation) {
    switch (operation->kind) {
    case LESSON_STORE_OPERATION_GET_LESSON:
        return operation->code == LESSON_STORE_OK && operation->lesson.course_id.data;
    case LESSON_STORE_OPERATION_JOIN:
        return operation->code == LESSON_STORE_OK || operation->code == LESSON_STORE_REFUSED ||
               operation->code == LESSON_STORE_CONFLICT;
    case LESSON_STORE_OPERATION_QUIT:
        return operation->code == LESSON_STORE_OK || operation->code == LESSON_STORE_CONFLICT;
    case LESSON_STORE_OPERATION_WHERE:
    case LESSON_STORE_OPERATION_BAN:
        return operation->code == LESSON_STORE_OK;
    default:
        return false;
    }
}

model_answer vocabulary_hear(const vocabulary *words, const lesson_store_operation *operation) {
    bool is_ok = operation->code == LESSON_STORE_OK;
    model_answer answer = {.code = operation->code,
                           .course = MODEL_NONE,
                           .lesson = MODEL_NONE,
                           .session = MODEL_NONE,
                           .owner = MODEL_NONE,
                           .course_status = MODEL_NONE,
                           .chat_status = MODEL_NONE};
    if (returns_place(operation))
        hear_place(words, operation->place, &answer);
    if (operation->kind == LESSON_STORE_OPERATION_JOIN && is_ok)
        answer.arrival = (uint8_t)operation->arrival;
    if (operation->kind == LESSON_STORE_OPERATION_JOIN && operation->code == LESSON_STORE_REFUSED)
        hear_refusal(operation, &answer);
    if (operation->kind == LESSON_STORE_OPERATION_SET && operation->code == LESSON_STORE_CONFLICT)
        hear_statuses(&operation->lesson, &answer);
    bool counts = operation->kind == LESSON_STORE_OPERATION_END || operation->kind == LESSON_STORE_OPERATION_BAN ||
                  operation->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS;
    if (counts && is_ok)
        answer.count = (uint32_t)operation->count;
    if (operation->kind == LESSON_STORE_OPERATION_GET_LESSON && is_ok) {
        hear_statuses(&operation->lesson, &answer);
        answer.has_record = operation->lesson.has_record;
        answer.count = (uint32_t)operation->lesson.member_count;
        answer.capacity = (int8_t)operation->lesson.capacity;
        if (vocabulary_number(words->courses, MODEL_COURSES, operation->lesson.course_id) != answer.course)
            answer.course = MODEL_STRANGER;
    }
    return answer;
}

/* A place holds this before a call, so that a write to it shows. */
static void mark_unwritten(lesson_store_place *place) {
    memset(place, 0x7e, sizeof *place);
}

static bool is_unwritten(const lesson_store_place *place) {
    lesson_store_place mark;
    mark_unwritten(&mark);
    return memcmp(&mark, place, sizeof mark) == 0;
}

int vocabulary_run(const vocabulary *words, lesson_store *store, const model_call *calls, size_t count,
                   model_answer *answers) {
    lesson_store_place places[VOCABULARY_BATCH_MAX];
    lesson_store_operation operations[VOCABULARY_BATCH_MAX];
    for (size_t i = 0; i < count; i++) {
        mark_unwritten(&places[i]);
        operations[i] = vocabulary_ask(words, &calls[i], &places[i]);
    }
    int code = lesson_store_batch(store, operations, count);
    for (size_t i = 0; i < count; i++) {
        answers[i] = vocabulary_hear(words, &operations[i]);
        if (operations[i].code >= 0 && !returns_place(&operations[i]) && !is_unwritten(&places[i]))
            answers[i].lesson = MODEL_STRANGER;
    }
    return code;
}
