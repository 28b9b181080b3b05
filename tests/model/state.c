/* Reads the whole state of a store through every call that shows it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vocabulary.h"

typedef struct state_reading {
    const vocabulary *words;
    lesson_store *store;
    model_state *out;
    uint32_t listed_users;
    uint32_t members_by_lessons[MODEL_LESSONS]; /* member_count of each lesson, from the list of lessons */
    int lesson;                                 /* whose bans are listed */
    bool in_lesson[MODEL_USERS];                /* from the list of the current lesson's members */
    int code;
    char *text;
} state_reading;

/* Keeps the first failure. Returns false, for callbacks. */
static bool say(state_reading *reading, int code, const char *format, ...) LESSON_STORE_PRINTF(3, 4);
static bool say(state_reading *reading, int code, const char *format, ...) {
    if (reading->code)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->text, VOCABULARY_TEXT_SIZE, format, arguments);
    va_end(arguments);
    reading->code = code;
    return false;
}

static bool expect(state_reading *reading, bool holds, const char *what, int number) {
    return holds || say(reading, LESSON_STORE_MALFORMED, "%s, number %d", what, number);
}

static bool expect_code(state_reading *reading, int code, const char *what) {
    return code == LESSON_STORE_OK || say(reading, code, "%s: %s", what, lesson_store_message());
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    state_reading *reading = context;
    int number = vocabulary_number(reading->words->lessons, MODEL_LESSONS, lesson->lesson_id);
    if (!expect(reading, number >= 0, "lessons lists a lesson nobody made", number))
        return false;
    model_lesson *out = &reading->out->lessons[number];
    if (!expect(reading, !out->has_record && !reading->members_by_lessons[number], "lessons lists a lesson twice",
                number))
        return false;
    *out = vocabulary_lesson(reading->words, lesson);
    reading->members_by_lessons[number] = (uint32_t)lesson->member_count;
    return expect(reading, lesson->has_record || lesson->member_count > 0,
                  "lessons lists a lesson with neither record nor members", number);
}

static bool hear_user(const lesson_store_user *user, void *context) {
    state_reading *reading = context;
    const vocabulary *words = reading->words;
    int number = vocabulary_number(words->users, MODEL_USERS, user->uid);
    if (!expect(reading, number >= 0, "users lists a user nobody put there", number))
        return false;
    model_user *out = &reading->out->users[number];
    if (!expect(reading, out->lesson == MODEL_NONE, "users lists a user twice", number))
        return false;
    *out = vocabulary_user(words, user);
    reading->listed_users++;
    return expect(reading, out->lesson >= 0, "users names a lesson nobody named, of user", number);
}

static bool hear_owner(const lesson_store_owner *owner, void *context) {
    state_reading *reading = context;
    int number = vocabulary_number(reading->words->owners, MODEL_OWNERS, owner->owner);
    if (!expect(reading, number >= 0 && !reading->out->holds[number], "owners lists a stranger, or twice", number))
        return false;
    reading->out->holds[number] = 1;
    return expect(reading, owner->state == LESSON_STORE_OWNER_HELD && owner->lease_ms == MODEL_LEASE_MS,
                  "owners lists another lease than that of owner", number);
}

static bool hear_banned(const lesson_store_banned *banned, void *context) {
    state_reading *reading = context;
    int number = vocabulary_number(reading->words->users, MODEL_USERS, banned->uid);
    if (!expect(reading, number >= 0 && !model_is_banned(reading->out, reading->lesson, number),
                "bans lists a stranger, or twice", number))
        return false;
    model_set_banned(reading->out, reading->lesson, number, true);
    return expect(reading, banned->left_ms > 0 && banned->left_ms <= MODEL_BAN_MS, "bans lists another time of user",
                  number);
}

static void read_bans(state_reading *reading, int lesson) {
    reading->lesson = lesson;
    int code = lesson_store_bans(reading->store, reading->words->lessons[lesson], hear_banned, reading);
    expect_code(reading, code == LESSON_STORE_UNSUPPORTED ? LESSON_STORE_OK : code, "bans");
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    state_reading *reading = context;
    int number = vocabulary_number(reading->words->users, MODEL_USERS, *uid);
    if (!expect(reading, number >= 0, "members lists a user nobody put there", number))
        return false;
    if (!expect(reading, !reading->in_lesson[number], "members lists a user twice", number))
        return false;
    reading->in_lesson[number] = true;
    return true;
}

/* The members of a lesson must be the users whose records name it. */
static void read_members(state_reading *reading, int lesson) {
    uint32_t count = 0;
    memset(reading->in_lesson, 0, sizeof reading->in_lesson);
    if (!expect_code(reading,
                     lesson_store_members(reading->store, reading->words->lessons[lesson], hear_member, reading),
                     "members"))
        return;
    for (int i = 0; i < MODEL_USERS; i++) {
        count += reading->in_lesson[i];
        if (reading->in_lesson[i] != (reading->out->users[i].lesson == lesson))
            say(reading, LESSON_STORE_MALFORMED, "the members of lesson %d %s user %d, whose record names lesson %d",
                lesson, reading->in_lesson[i] ? "hold" : "lack", i, reading->out->users[i].lesson);
    }
    expect(reading, count == reading->members_by_lessons[lesson], "the member count of lessons is wrong", lesson);
}

/* get_lesson, count and where must return what the lists gave: the answers of the model that was read. */
static void ask_again(state_reading *reading) {
    model_call calls[2 * MODEL_LESSONS + MODEL_USERS];
    model_answer answers[2 * MODEL_LESSONS + MODEL_USERS];
    size_t count = 0;
    for (int i = 0; i < MODEL_LESSONS; i++) {
        calls[count++] = (model_call)MODEL_GET_LESSON((int8_t)i, true, 0);
        calls[count++] = (model_call)MODEL_COUNT((int8_t)i, true, 0);
    }
    for (int i = 0; i < MODEL_USERS; i++)
        calls[count++] = (model_call)MODEL_WHERE((int8_t)i, true, 0);
    int code = vocabulary_run(reading->words, reading->store, calls, count, answers);
    if (!expect_code(reading, code, "asking for the state"))
        return;
    for (size_t i = 0; i < count; i++) {
        char call[MODEL_TEXT_SIZE], reported[MODEL_TEXT_SIZE], due[MODEL_TEXT_SIZE];
        model_answer listed = model_run(reading->out, &calls[i]);
        if (!model_answers_equal(&listed, &answers[i]))
            say(reading, LESSON_STORE_MALFORMED, "%s returned\n  %s and the listings\n  %s",
                model_call_text(&calls[i], call), model_answer_text(&answers[i], reported),
                model_answer_text(&listed, due));
    }
}

int vocabulary_read_state(const vocabulary *words, lesson_store *store, model_state *out,
                          char text[VOCABULARY_TEXT_SIZE]) {
    state_reading reading = {.words = words, .store = store, .out = out, .text = text};
    model_begin(out);
    expect_code(&reading, lesson_store_lessons(store, hear_lesson, &reading), "lessons");
    expect_code(&reading, lesson_store_users(store, hear_user, &reading), "users");
    int code = lesson_store_owners(store, hear_owner, &reading);
    expect_code(&reading, code == LESSON_STORE_UNSUPPORTED ? LESSON_STORE_OK : code, "owners");
    for (int i = 0; i < MODEL_LESSONS && !reading.code; i++) {
        read_members(&reading, i);
        read_bans(&reading, i);
    }
    if (!reading.code)
        ask_again(&reading);
    return reading.code;
}

bool vocabulary_compare(const model_state *expected, const model_state *found, char text[VOCABULARY_TEXT_SIZE]) {
    for (int i = 0; i < MODEL_LESSONS; i++) {
        const model_lesson *a = &expected->lessons[i], *b = &found->lessons[i];
        if (memcmp(a, b, sizeof *a) == 0)
            continue;
        snprintf(text, VOCABULARY_TEXT_SIZE,
                 "lesson %d has record %d, statuses %d/%d, course %d, capacity %d instead of %d, %d/%d, %d, %d", i,
                 b->has_record, b->course_status, b->chat_status, b->course, b->capacity, a->has_record,
                 a->course_status, a->chat_status, a->course, a->capacity);
        return false;
    }
    for (int i = 0; i < MODEL_USERS; i++) {
        const model_user *a = &expected->users[i], *b = &found->users[i];
        if (memcmp(a, b, sizeof *a) == 0)
            continue;
        snprintf(
            text, VOCABULARY_TEXT_SIZE,
            "user %d is in lesson %d, course %d, session %d, owner %d instead of lesson %d, course %d, session %d, "
            "owner %d",
            i, b->lesson, b->course, b->session, b->owner, a->lesson, a->course, a->session, a->owner);
        return false;
    }
    for (int i = 0; i < MODEL_OWNERS; i++) {
        if (expected->holds[i] == found->holds[i])
            continue;
        snprintf(text, VOCABULARY_TEXT_SIZE, "owner %d holds %d instead of %d leases", i, found->holds[i],
                 expected->holds[i]);
        return false;
    }
    for (int i = 0; i < MODEL_LESSONS * MODEL_USERS; i++) {
        int lesson = i / MODEL_USERS, user = i % MODEL_USERS;
        if (model_is_banned(expected, lesson, user) == model_is_banned(found, lesson, user))
            continue;
        snprintf(text, VOCABULARY_TEXT_SIZE, "user %d is %s from lesson %d", user,
                 model_is_banned(found, lesson, user) ? "banned" : "not banned", lesson);
        return false;
    }
    return true;
}
