/* Plays the steps of a test in the mode, and judges every answer. */
#include "suite.h"

static int32_t course_status_of(const char *word) {
    return word ? lesson_store_course_status_of(word) : LESSON_STORE_STATUS_NONE;
}

static int32_t chat_status_of(const char *word) {
    return word ? lesson_store_chat_status_of(word) : LESSON_STORE_STATUS_NONE;
}

void give_status(lesson_store_operation *operation, int32_t *status, uint32_t bit, int32_t wanted) {
    if (wanted == LESSON_STORE_STATUS_NONE)
        return;
    *status = wanted;
    operation->given |= bit;
}

lesson_store_operation operation_of_step(const struct step *step) {
    lesson_store_operation operation = {.kind = step->kind};
    operation.flags = step->flags;
    operation.uid = lesson_store_id_of(step->uid);
    operation.course_id = lesson_store_id_of(step->course_id);
    operation.lesson_id = lesson_store_id_of(step->lesson_id);
    operation.session = lesson_store_id_of(step->session);
    give_status(&operation, &operation.course_status, LESSON_STORE_GIVEN_COURSE_STATUS,
                course_status_of(step->course_status));
    give_status(&operation, &operation.chat_status, LESSON_STORE_GIVEN_CHAT_STATUS, chat_status_of(step->chat_status));
    give_status(&operation, &operation.if_course_status, LESSON_STORE_GIVEN_IF_COURSE_STATUS,
                course_status_of(step->if_course_status));
    give_status(&operation, &operation.if_chat_status, LESSON_STORE_GIVEN_IF_CHAT_STATUS,
                chat_status_of(step->if_chat_status));
    operation.if_session = lesson_store_id_of(step->if_session);
    operation.owner = lesson_store_id_of(step->owner);
    operation.lease_ms = step->lease_ms;
    operation.ban_ms = step->ban_ms;
    if (step->capacity) {
        operation.capacity = strtoull(step->capacity, NULL, 10);
        operation.given |= LESSON_STORE_GIVEN_CAPACITY;
    }
    return operation;
}

static bool is_end(const struct step *step) {
    return !step->uid && !step->lesson_id && !step->owner;
}

static bool creates_more(const struct step *step) {
    return step->kind == LESSON_STORE_OPERATION_CREATE && (step->course_id || step->course_status || step->chat_status);
}

static bool asks_for_admission(const struct step *step) {
    return step->capacity || step->if_session || creates_more(step);
}

void need_steps(struct fixture *fixture, const struct step *steps) {
    for (const struct step *step = steps; !is_end(step); step++) {
        need_operation(fixture, step->kind);
        need_flags(fixture, step->flags);
        if (step->session)
            need_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS);
        if (step->owner)
            need_operation(fixture, LESSON_STORE_OPERATION_HOLD);
        if (asks_for_admission(step))
            need_capability(fixture, LESSON_STORE_CAN_ADMIT);
    }
}

static void know_steps(struct fixture *fixture, const struct step *steps) {
    for (const struct step *step = steps; !is_end(step); step++) {
        if (step->uid)
            know_user(fixture, step->uid);
        if (step->lesson_id)
            know_lesson(fixture, step->lesson_id);
    }
}

/* ---- Judging */

/* Places and figures hold these values before a call, so that a write to them shows. */
#define UNWRITTEN_BYTE 0x7e
#define UNWRITTEN_STATUS 77
#define UNWRITTEN_COUNT UINT64_C(0x7e7e7e7e)
#define UNWRITTEN_WORD 0xabababu
static const char unwritten_id[] = "unwritten";

static void mark_unwritten(lesson_store_place *place) {
    memset(place, UNWRITTEN_BYTE, sizeof *place);
}

static bool is_unwritten(const lesson_store_place *place) {
    lesson_store_place mark;
    mark_unwritten(&mark);
    return memcmp(&mark, place, sizeof mark) == 0;
}

static bool writes_place(const struct step *step) {
    switch (step->kind) {
    case LESSON_STORE_OPERATION_GET_LESSON:
        return step->lesson.course_id != NULL;
    case LESSON_STORE_OPERATION_JOIN:
        return step->code == LESSON_STORE_OK || step->code == LESSON_STORE_REFUSED ||
               step->code == LESSON_STORE_CONFLICT;
    case LESSON_STORE_OPERATION_QUIT:
        return step->code == LESSON_STORE_OK || step->code == LESSON_STORE_CONFLICT;
    case LESSON_STORE_OPERATION_WHERE:
    case LESSON_STORE_OPERATION_BAN:
        return step->code == LESSON_STORE_OK;
    default:
        return false;
    }
}

static void judge_field(struct fixture *fixture, const char *name, const char *found, const char *expected) {
    if (!expected)
        expected = "";
    if (!memchr(found, '\0', LESSON_STORE_ID_MAX + 1) || strcmp(found, expected) != 0)
        fail_test(fixture, "the %s of the place: expected %s, found %s", name, quote_text(expected).text,
                  quote((lesson_store_id){found, strnlen(found, LESSON_STORE_ID_MAX)}).text);
}

static void judge_place(struct fixture *fixture, const struct step *step, const lesson_store_place *place) {
    if (!writes_place(step)) {
        if (!is_unwritten(place))
            fail_test(fixture, "the place was written to although the answer is %s",
                      lesson_store_code_name(step->code));
        return;
    }
    bool is_of_lesson = step->kind == LESSON_STORE_OPERATION_GET_LESSON;
    judge_field(fixture, "course_id", place->course_id, is_of_lesson ? step->lesson.course_id : step->place.course_id);
    judge_field(fixture, "lesson_id", place->lesson_id, step->place.lesson_id);
    judge_field(fixture, "session", place->session, step->place.session);
    judge_field(fixture, "owner", place->owner, step->place.owner);
    if ((place->joined_ms > 0) != (step->place.owner != NULL))
        fail_test(fixture, "the joined_ms of the place: found %lld", (long long)place->joined_ms);
}

static void judge_status(struct fixture *fixture, const char *name, int32_t found, int32_t expected) {
    if (found != expected)
        fail_test(fixture, "%s: expected %d, found %d", name, (int)expected, (int)found);
}

static void expect_id(struct fixture *fixture, const char *name, lesson_store_id found, lesson_store_id expected) {
    if (found.size != expected.size || (found.size > 0 && memcmp(found.data, expected.data, found.size) != 0))
        fail_test(fixture, "%s: expected %s, found %s", name, quote(expected).text, quote(found).text);
}

static void judge_lesson(struct fixture *fixture, const struct step *step, const lesson_store_lesson *lesson) {
    judge_status(fixture, "course_status", lesson->course_status, course_status_of(step->lesson.course_status));
    judge_status(fixture, "chat_status", lesson->chat_status, chat_status_of(step->lesson.chat_status));
    if (step->kind != LESSON_STORE_OPERATION_GET_LESSON)
        return;
    expect_number(fixture, "has_record", lesson->has_record, step->lesson.course_status != NULL);
    expect_number(fixture, "member_count", lesson->member_count, step->count);
    expect_number(fixture, "capacity", lesson->capacity, step->lesson.capacity);
    expect_id(fixture, "course_id", lesson->course_id, lesson_store_id_of(step->lesson.course_id));
    expect_id(fixture, "lesson_id", lesson->lesson_id, lesson_store_id_of(step->lesson_id));
}

/* The first of the flags that refuse this step. */
static uint32_t first_flag(const struct step *step) {
    static const uint32_t in_order[] = {LESSON_STORE_JOIN_IF_EXISTS, LESSON_STORE_JOIN_UNLESS_BANNED,
                                        LESSON_STORE_JOIN_IF_OPEN, LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER,
                                        LESSON_STORE_JOIN_IF_ROOM};
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
        if (step->refused_by & in_order[i])
            return in_order[i];
    }
    return step->refused_by;
}

static void judge_refusal(struct fixture *fixture, const struct step *step, const lesson_store_operation *join) {
    uint32_t first = first_flag(step);
    if (join->refused_by != first)
        fail_test(fixture, "refused_by: expected 0x%x, found 0x%x", (unsigned)first, (unsigned)join->refused_by);
    if (first == LESSON_STORE_JOIN_IF_ROOM)
        expect_number(fixture, "the members of a lesson without room", join->count, step->count);
}

static bool counts(const struct step *step) {
    return step->kind == LESSON_STORE_OPERATION_END || step->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS;
}

/* Judges what every way of calling returns. */
static void judge(struct fixture *fixture, const struct step *step, const lesson_store_operation *operation) {
    expect_code(fixture, "the answer", operation->code, step->code);
    judge_place(fixture, step, operation->place);
    bool ok = step->code == LESSON_STORE_OK;
    if (ok && counts(step))
        expect_number(fixture, "the count", operation->count, step->count);
    bool is_conflict_of_set = step->code == LESSON_STORE_CONFLICT && step->kind == LESSON_STORE_OPERATION_SET;
    if ((ok && step->kind == LESSON_STORE_OPERATION_GET_LESSON) || is_conflict_of_set)
        judge_lesson(fixture, step, &operation->lesson);
}

/* Marks the outputs of an operation, so that judge_unwritten sees which were written. */
static void mark_answers(lesson_store_operation *operation) {
    operation->arrival = UNWRITTEN_WORD;
    operation->refused_by = UNWRITTEN_WORD;
    operation->count = UNWRITTEN_COUNT;
    operation->lesson.member_count = UNWRITTEN_COUNT;
    operation->lesson.course_status = UNWRITTEN_STATUS;
    operation->lesson.chat_status = UNWRITTEN_STATUS;
    operation->lesson.lesson_id = operation->lesson.course_id = lesson_store_id_of(unwritten_id);
}

static void judge_unwritten_id(struct fixture *fixture, const char *name, lesson_store_id found) {
    if (found.data != unwritten_id || found.size != strlen(unwritten_id))
        fail_test(fixture, "%s, which this answer does not write: found %s", name, quote(found).text);
}

/* Outputs that do not belong to this answer must be unchanged. */
static void judge_unwritten(struct fixture *fixture, const struct step *step, const lesson_store_operation *operation) {
    bool ok = step->code == LESSON_STORE_OK;
    bool has_lesson = (ok && step->kind == LESSON_STORE_OPERATION_GET_LESSON) ||
                      (step->code == LESSON_STORE_CONFLICT && step->kind == LESSON_STORE_OPERATION_SET);
    if (!(ok && step->kind == LESSON_STORE_OPERATION_JOIN))
        expect_number(fixture, "arrival, which this answer does not write", operation->arrival, UNWRITTEN_WORD);
    if (step->code != LESSON_STORE_REFUSED)
        expect_number(fixture, "refused_by, which this answer does not write", operation->refused_by, UNWRITTEN_WORD);
    bool counts_room = step->code == LESSON_STORE_REFUSED && first_flag(step) == LESSON_STORE_JOIN_IF_ROOM;
    if (!(ok && (counts(step) || step->kind == LESSON_STORE_OPERATION_BAN)) && !counts_room)
        expect_number(fixture, "count, which this answer does not write", operation->count, UNWRITTEN_COUNT);
    if (has_lesson)
        return;
    expect_number(fixture, "member_count, which this answer does not write", operation->lesson.member_count,
                  UNWRITTEN_COUNT);
    judge_status(fixture, "course_status, which this answer does not write", operation->lesson.course_status,
                 UNWRITTEN_STATUS);
    judge_status(fixture, "chat_status, which this answer does not write", operation->lesson.chat_status,
                 UNWRITTEN_STATUS);
    judge_unwritten_id(fixture, "lesson_id", operation->lesson.lesson_id);
    judge_unwritten_id(fixture, "course_id", operation->lesson.course_id);
}

/* Judges what only an operation of a batch returns. */
static void judge_in_batch(struct fixture *fixture, const struct step *step, const lesson_store_operation *operation) {
    judge(fixture, step, operation);
    if (fixture->test->judges_unwritten)
        judge_unwritten(fixture, step, operation);
    if (step->kind == LESSON_STORE_OPERATION_BAN && step->code == LESSON_STORE_OK)
        expect_number(fixture, "the users put out", operation->count, step->count);
    if (step->kind != LESSON_STORE_OPERATION_JOIN)
        return;
    if (step->code == LESSON_STORE_OK)
        expect_number(fixture, "arrival", operation->arrival, step->arrival);
    if (step->code == LESSON_STORE_REFUSED)
        judge_refusal(fixture, step, operation);
}

/* ---- Single calls */

static int run_operation(lesson_store *store, lesson_store_operation *operation) {
    int code = lesson_store_batch(store, operation, 1);
    return code ? code : operation->code;
}

static int call_end(struct fixture *fixture, lesson_store *store, const struct step *step,
                    lesson_store_operation *answer) {
    uint64_t left = UNWRITTEN_COUNT;
    int code = lesson_store_end(store, step->lesson_id, step->flags, &left);
    if (code != LESSON_STORE_OK)
        expect_number(fixture, "the figure that the call does not write", left, UNWRITTEN_COUNT);
    answer->count = left;
    return code;
}

static int call_count(struct fixture *fixture, lesson_store *store, const struct step *step,
                      lesson_store_operation *answer) {
    uint64_t count = UNWRITTEN_COUNT;
    int code = lesson_store_count_members(store, step->lesson_id, &count);
    if (code != LESSON_STORE_OK)
        expect_number(fixture, "the figure that the call does not write", count, UNWRITTEN_COUNT);
    answer->count = count;
    return code;
}

static int call_get(struct fixture *fixture, lesson_store *store, const struct step *step,
                    lesson_store_operation *answer) {
    lesson_store_lesson lesson;
    lesson.course_status = UNWRITTEN_STATUS;
    int code = lesson_store_get_lesson(store, step->lesson_id, &lesson);
    if (code != LESSON_STORE_OK)
        judge_status(fixture, "the lesson that the call does not write", lesson.course_status, UNWRITTEN_STATUS);
    expect_code(fixture, "the call as an operation", run_operation(store, answer), code);
    if (code != LESSON_STORE_OK)
        return code;
    lesson_store_id course_id = answer->lesson.course_id;
    expect_id(fixture, "the course that the call does not return", lesson.course_id, lesson_store_id_of(NULL));
    answer->lesson = lesson;
    answer->lesson.course_id = course_id;
    return code;
}

/* A set of one status has its own call, with an expected value or without. */
static int call_set_of_course(lesson_store *store, const struct step *step, const lesson_store_operation *answer,
                              int *current) {
    if (!step->if_course_status)
        return lesson_store_set_course_status(store, step->lesson_id, answer->course_status);
    return lesson_store_replace_course_status(store, step->lesson_id, answer->if_course_status, answer->course_status,
                                              current);
}

static int call_set_of_chat(lesson_store *store, const struct step *step, const lesson_store_operation *answer,
                            int *current) {
    if (!step->if_chat_status)
        return lesson_store_set_chat_status(store, step->lesson_id, answer->chat_status);
    return lesson_store_replace_chat_status(store, step->lesson_id, answer->if_chat_status, answer->chat_status,
                                            current);
}

/* Any other set is a batch of one. */
static int call_set(struct fixture *fixture, lesson_store *store, const struct step *step,
                    lesson_store_operation *answer) {
    bool course_only = !step->chat_status && !step->if_chat_status;
    bool chat_only = !step->course_status && !step->if_course_status;
    if (step->capacity && !step->course_status && !step->chat_status && !step->if_course_status &&
        !step->if_chat_status)
        return lesson_store_set_capacity(store, step->lesson_id, answer->capacity);
    if (step->capacity || (!course_only && !chat_only))
        return run_operation(store, answer);
    int current = UNWRITTEN_STATUS;
    int code = course_only ? call_set_of_course(store, step, answer, &current)
                           : call_set_of_chat(store, step, answer, &current);
    if (code != LESSON_STORE_CONFLICT)
        judge_status(fixture, "the status that the call does not write", current, UNWRITTEN_STATUS);
    answer->lesson.course_status = course_only ? current : course_status_of(step->lesson.course_status);
    answer->lesson.chat_status = chat_only ? current : chat_status_of(step->lesson.chat_status);
    return code;
}

static int call_ban(lesson_store *store, const struct step *step, lesson_store_operation *answer) {
    if (step->flags)
        return lesson_store_kick(store, step->lesson_id, step->uid, step->ban_ms, answer->place);
    const lesson_store_id none = {NULL, 0};
    int code = step->ban_ms ? lesson_store_ban(store, step->lesson_id, step->uid, step->ban_ms)
                            : lesson_store_unban(store, step->lesson_id, step->uid);
    if (code == LESSON_STORE_OK)
        lesson_store_answer_place(answer, none, none, none); /* they have no place: nobody is put out */
    return code;
}

static int call(struct fixture *fixture, lesson_store *store, const struct step *step, lesson_store_operation *answer) {
    switch ((lesson_store_operation_kind)step->kind) {
    case LESSON_STORE_OPERATION_NONE:
        break;
    case LESSON_STORE_OPERATION_CREATE:
        return asks_for_admission(step) ? run_operation(store, answer)
                                        : lesson_store_create(store, step->lesson_id, step->flags);
    case LESSON_STORE_OPERATION_END:
        return call_end(fixture, store, step, answer);
    case LESSON_STORE_OPERATION_SET:
        return call_set(fixture, store, step, answer);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return call_get(fixture, store, step, answer);
    case LESSON_STORE_OPERATION_JOIN:
        if (step->if_session && step->owner)
            return lesson_store_resume_for(store, step->owner, step->uid, step->course_id, step->lesson_id,
                                           step->if_session, step->session, step->flags, answer->place);
        if (step->owner)
            return lesson_store_join_for(store, step->owner, step->uid, step->course_id, step->lesson_id, step->session,
                                         step->flags, answer->place);
        if (step->if_session)
            return lesson_store_resume(store, step->uid, step->course_id, step->lesson_id, step->if_session,
                                       step->session, step->flags, answer->place);
        return lesson_store_join(store, step->uid, step->course_id, step->lesson_id, step->session, step->flags,
                                 answer->place);
    case LESSON_STORE_OPERATION_HOLD:
        return lesson_store_hold(store, step->owner, step->lease_ms, step->flags);
    case LESSON_STORE_OPERATION_BAN:
        return call_ban(store, step, answer);
    case LESSON_STORE_OPERATION_QUIT:
        return lesson_store_quit(store, step->uid, step->lesson_id, step->session, answer->place);
    case LESSON_STORE_OPERATION_WHERE:
        return lesson_store_where(store, step->uid, answer->place);
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return call_count(fixture, store, step, answer);
    }
    return LESSON_STORE_INVALID;
}

static bool changes_state(const struct step *step) {
    lesson_store_operation operation = operation_of_step(step);
    return lesson_store_operation_writes(&operation) && step->code == LESSON_STORE_OK;
}

static void play_one(struct fixture *fixture, lesson_store *store, const struct step *step) {
    lesson_store_place place;
    mark_unwritten(&place);
    lesson_store_operation answer = operation_of_step(step);
    answer.place = &place;
    bool compares = fixture->mode == MODE_SINGLE && !changes_state(step);
    if (compares) {
        lines_clear(&fixture->expected);
        take_snapshot(fixture, store, &fixture->expected);
    }
    answer.code = call(fixture, store, step, &answer);
    judge(fixture, step, &answer);
    if (!compares)
        return;
    lines_clear(&fixture->found);
    take_snapshot(fixture, store, &fixture->found);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "a step that was refused or only reads has changed the state (the lines above)");
}

static void play_batch(struct fixture *fixture, const struct step *steps, size_t first, size_t count) {
    make_room_for_batch(fixture, count);
    steps += first;
    for (size_t i = 0; i < count; i++) {
        fixture->operations[i] = operation_of_step(&steps[i]);
        fixture->operations[i].place = &fixture->places[i];
        mark_unwritten(&fixture->places[i]);
        mark_answers(&fixture->operations[i]);
    }
    int code = lesson_store_batch(fixture->store, fixture->operations, count);
    expect_code(fixture, "the batch", code, LESSON_STORE_OK);
    for (size_t i = 0; i < count; i++) {
        fixture->step = &steps[i];
        fixture->step_number = first + i + 1;
        judge_in_batch(fixture, &steps[i], &fixture->operations[i]);
    }
}

static void play_batches(struct fixture *fixture, const struct step *steps) {
    size_t count = 0;
    while (!is_end(&steps[count]))
        count++;
    for (size_t first = 0, size; first < count; first += size) {
        bool keeps_order = !has_exception(fixture, LESSON_STORE_EXCEPT_ORDER);
        size = keeps_order ? count : count_in_order(fixture, steps + first, count - first);
        play_batch(fixture, steps, first, size);
    }
}

void play(struct fixture *fixture, const struct step *steps) {
    need_steps(fixture, steps);
    know_steps(fixture, steps);
    if (fixture->mode == MODE_BATCH) {
        play_batches(fixture, steps);
    } else {
        for (size_t i = 0; !is_end(&steps[i]); i++) {
            fixture->step = &steps[i];
            fixture->step_number = i + 1;
            play_one(fixture, fixture->stores[i % fixture->store_count], &steps[i]);
        }
    }
    fixture->step = NULL;
}
