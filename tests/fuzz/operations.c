/*
 * Operations with random fields. Core's check is compared with the rules of lessonstore.h, written a second time here.
 * Then a batch of them runs on a memory store, which must answer the valid ones and refuse the others.
 *
 * The input is a list of operations: kind, flags, a byte that selects odd fields, four statuses and a
 * capacity if that byte asks for them, and five ids, each terminated by a newline. The id "?" is not given, and "!" is
 * {NULL, 5}.
 */
#include <stdlib.h>

#include "answers.h"
#include "core/core.h"

#define OPERATIONS_MAX 8
#define IDS 5

enum odd { ODD_STATUSES = 1, ODD_RESERVED = 2, ODD_PLACE = 4, HAS_PLACE = 8, ODD_FLAGS = 16 };

struct asked {
    lesson_store_operation operations[OPERATIONS_MAX];
    lesson_store_place places[OPERATIONS_MAX];
    char *texts[OPERATIONS_MAX][IDS];
    size_t count;
};

static lesson_store_id take_id(fuzz_input *input, char **text) {
    fuzz_input part = fuzz_take_part(input, '\n');
    *text = fuzz_copy(part.data, part.size);
    if (part.size == 1 && part.data[0] == '?')
        return (lesson_store_id){NULL, 0};
    if (part.size == 1 && part.data[0] == '!')
        return (lesson_store_id){NULL, 5};
    return (lesson_store_id){*text, part.size};
}

/* '/' gives nothing, and '.' a status that is not marked as given. */
static void give(lesson_store_operation *operation, int32_t *status, uint32_t bit, uint8_t byte) {
    if (byte == '/')
        return;
    *status = byte == '.' ? 1 : (int8_t)byte - '0';
    operation->given |= byte == '.' ? 0 : bit;
}

static void give_capacity(lesson_store_operation *operation, uint8_t byte) {
    if (byte == '/')
        return;
    operation->capacity = byte == '+' ? LESSON_STORE_CAPACITY_MAX + UINT64_C(1) : byte;
    operation->given |= byte == '.' ? 0 : LESSON_STORE_GIVEN_CAPACITY;
}

static void take_operation(fuzz_input *input, struct asked *asked) {
    size_t i = asked->count++;
    lesson_store_operation *operation = &asked->operations[i];
    *operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_CREATE};
    operation->kind += fuzz_take_byte(input) - (uint32_t)'0';
    operation->flags = fuzz_take_byte(input) & 0x7f;
    uint8_t odd = fuzz_take_byte(input);
    if (odd & ODD_STATUSES) {
        give(operation, &operation->course_status, LESSON_STORE_GIVEN_COURSE_STATUS, fuzz_take_byte(input));
        give(operation, &operation->chat_status, LESSON_STORE_GIVEN_CHAT_STATUS, fuzz_take_byte(input));
        give(operation, &operation->if_course_status, LESSON_STORE_GIVEN_IF_COURSE_STATUS, fuzz_take_byte(input));
        give(operation, &operation->if_chat_status, LESSON_STORE_GIVEN_IF_CHAT_STATUS, fuzz_take_byte(input));
        give_capacity(operation, fuzz_take_byte(input));
    }
    if (odd & ODD_FLAGS)
        operation->flags = operation->flags << 27 | operation->flags;
    lesson_store_id *const ids[IDS] = {&operation->uid, &operation->course_id, &operation->lesson_id,
                                       &operation->session, &operation->if_session};
    for (size_t k = 0; k < IDS; k++)
        *ids[k] = take_id(input, &asked->texts[i][k]);
    operation->reserved[odd & 1] = odd & ODD_RESERVED ? odd : 0;
    if (odd & (HAS_PLACE | ODD_PLACE))
        operation->place = &asked->places[i];
    if (odd & ODD_PLACE)
        *ids[odd % IDS] = (lesson_store_id){asked->places[i].session, 1};
}

/* ---- The rules */

/* Capitals: may be left out. A hold takes an owner, which none has here, and a ban without a time is lifted. */
static const char *const takes[] = {"", "lC", "l", "l", "l", "uclSI", "uLS", "u", "l", "?", "ul"};
static const uint32_t flags[] = {0,
                                 LESSON_STORE_CREATE_RESET,
                                 LESSON_STORE_END_RECORD_ONLY,
                                 0,
                                 0,
                                 LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY |
                                     LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM,
                                 0,
                                 0,
                                 0,
                                 0,
                                 0};

static bool is_sound_id(const char *list, char letter, lesson_store_id id) {
    bool given = id.data || id.size;
    bool needed = strchr(list, letter) != NULL;
    bool taken = needed || strchr(list, letter - 'a' + 'A') != NULL;
    return given ? taken && fuzz_is_id(id.data, id.size) : !needed;
}

static bool is_sound_status(const lesson_store_operation *operation, uint32_t bit, int32_t status, int32_t highest) {
    return operation->given & bit ? status >= 0 && status <= highest : status == 0;
}

#define NEW_NUMBERS (LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_CAPACITY)

static bool gives_soundly(const lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_SET)
        return operation->given & NEW_NUMBERS;
    return operation->kind == LESSON_STORE_OPERATION_CREATE ? !(operation->given & ~(uint32_t)NEW_NUMBERS)
                                                            : operation->given == 0;
}

static bool has_sound_numbers(const lesson_store_operation *operation) {
    bool gives_capacity = operation->given & LESSON_STORE_GIVEN_CAPACITY;
    return gives_soundly(operation) && operation->capacity <= LESSON_STORE_CAPACITY_MAX &&
           (gives_capacity || operation->capacity == 0) &&
           is_sound_status(operation, LESSON_STORE_GIVEN_COURSE_STATUS, operation->course_status, 3) &&
           is_sound_status(operation, LESSON_STORE_GIVEN_CHAT_STATUS, operation->chat_status, 1) &&
           is_sound_status(operation, LESSON_STORE_GIVEN_IF_COURSE_STATUS, operation->if_course_status, 3) &&
           is_sound_status(operation, LESSON_STORE_GIVEN_IF_CHAT_STATUS, operation->if_chat_status, 1);
}

static bool lies_in_place(const lesson_store_operation *operation, lesson_store_id id) {
    return operation->place && id.data == operation->place->session;
}

static bool is_sound(const lesson_store_operation *operation) {
    if (operation->kind > LESSON_STORE_OPERATION_BAN || operation->kind == LESSON_STORE_OPERATION_HOLD)
        return false;
    const char *list = takes[operation->kind];
    return !(operation->flags & ~flags[operation->kind]) && !operation->reserved[0] && !operation->reserved[1] &&
           is_sound_id(list, 'u', operation->uid) && is_sound_id(list, 'c', operation->course_id) &&
           is_sound_id(list, 'l', operation->lesson_id) && is_sound_id(list, 's', operation->session) &&
           is_sound_id(list, 'i', operation->if_session) && !lies_in_place(operation, operation->if_session) &&
           !lies_in_place(operation, operation->uid) && !lies_in_place(operation, operation->course_id) &&
           !lies_in_place(operation, operation->lesson_id) && !lies_in_place(operation, operation->session) &&
           has_sound_numbers(operation);
}

static void judge(lesson_store *store, struct asked *asked) {
    for (size_t i = 0; i < asked->count; i++) {
        int code = lesson_store__operation_check(store, &asked->operations[i]);
        REQUIRE(code == (is_sound(&asked->operations[i]) ? LESSON_STORE_OK : LESSON_STORE_INVALID));
    }
    REQUIRE(lesson_store_batch(store, asked->operations, asked->count) == LESSON_STORE_OK);
    for (size_t i = 0; i < asked->count; i++) {
        bool sound = is_sound(&asked->operations[i]);
        REQUIRE((asked->operations[i].code >= 0) == sound);
        REQUIRE(sound || asked->operations[i].code == LESSON_STORE_INVALID);
        if (sound)
            fuzz_require_answer(&asked->operations[i]);
    }
    uint64_t found = 1;
    fuzz_listener listener = {0};
    REQUIRE(lesson_store_check(store, 0, fuzz_hear_finding, &listener, &found, NULL) == LESSON_STORE_OK && found == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    struct asked asked;
    memset(&asked, 'x', sizeof asked); /* places also hold bytes that could be an id */
    asked.count = 0;
    lesson_store *store;
    REQUIRE(lesson_store_open(&store, "memory:") == LESSON_STORE_OK);
    while (input.size > 0 && asked.count < OPERATIONS_MAX)
        take_operation(&input, &asked);
    judge(store, &asked);
    lesson_store_close(store);
    for (size_t i = 0; i < asked.count * IDS; i++)
        free(asked.texts[i / IDS][i % IDS]);
    return 0;
}
