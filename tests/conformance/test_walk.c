/*
 * Long random walks, the same in every run. The model (tests/model/model.h) computes the answers beforehand. The walks
 * reach combinations that no hand-written test covers.
 */
#include "draw.h"
#include "suite.h"

#define WALK_STEPS 150
#define WALKS 4

enum { UIDS = 5, LESSONS = 4, COURSES = 2, SESSIONS = 2 };

static const char *const uids[UIDS] = {"ann", "Ann", "bob", "cid", "dot"};
static const char *const lessons[LESSONS] = {"algebra", "algebra ", "biology", "choir"};
static const char *const courses[COURSES] = {"maths", "arts"};
static const char *const sessions[SESSIONS] = {"s1", "s2"};

static const char *const owners[] = {"worker/1", "worker/2", "worker/3"};
static const char *const capacities[] = {"0", "1", "2", "3"};

static const char *name_of(const char *const *names, int number) {
    return number == MODEL_NONE ? NULL : names[number];
}

static struct step step_of(const model_call *call, const model_answer *answer) {
    struct step step = {.kind = call->kind, .flags = call->flags};
    step.uid = name_of(uids, call->user);
    step.course_id = name_of(courses, call->course);
    step.lesson_id = name_of(lessons, call->lesson);
    step.session = name_of(sessions, call->session);
    step.course_status = lesson_store_course_status_word(call->course_status);
    step.chat_status = lesson_store_chat_status_word(call->chat_status);
    step.if_course_status = lesson_store_course_status_word(call->if_course_status);
    step.if_chat_status = lesson_store_chat_status_word(call->if_chat_status);
    step.if_session = name_of(sessions, call->if_session);
    step.capacity = name_of(capacities, call->capacity);
    step.owner = name_of(owners, call->owner);
    step.ban_ms = call->ban == 1 ? MODEL_BAN_MS : 0;
    step.lease_ms = call->kind == LESSON_STORE_OPERATION_HOLD ? MODEL_LEASE_MS : 0;

    step.code = answer->code;
    step.arrival = answer->arrival;
    step.refused_by = answer->refused_by;
    step.count = answer->count;
    step.place.course_id = name_of(courses, answer->course);
    step.place.lesson_id = name_of(lessons, answer->lesson);
    step.place.session = name_of(sessions, answer->session);
    step.place.owner = name_of(owners, answer->owner);
    step.lesson.course_status = lesson_store_course_status_word(answer->course_status);
    step.lesson.chat_status = lesson_store_chat_status_word(answer->chat_status);
    if (call->kind == LESSON_STORE_OPERATION_GET_LESSON)
        step.lesson.course_id = name_of(courses, answer->course);
    step.lesson.capacity = (uint64_t)answer->capacity;
    return step;
}

static struct step draw_step(const struct fixture *fixture, dice_state *dice, model_state *model) {
    bool keeps_sessions = has_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS);
    bool is_of_0_2 = has_capability(fixture, LESSON_STORE_CAN_ADMIT) &&
                     has_operation(fixture, LESSON_STORE_OPERATION_HOLD) &&
                     has_operation(fixture, LESSON_STORE_OPERATION_BAN);
    const draw_range range = {UIDS, LESSONS, COURSES, keeps_sessions ? SESSIONS : 0, 0, is_of_0_2 ? 0 : DRAW_OF_0_1};
    model_call call = draw_call(dice, &range);
    call.flags &= (uint16_t)fixture->backend->flags;
    model_answer answer = model_run(model, &call);
    return step_of(&call, &answer);
}

static void expect_model(struct fixture *fixture, const model_state *model) {
    struct record records[LESSONS + 1] = {{NULL, NULL, NULL}};
    struct extra extras[LESSONS + 1] = {{NULL, NULL, 0}};
    struct user users[UIDS + 1] = {{.uid = NULL}};
    struct ban bans[LESSONS * UIDS + 1] = {{NULL, NULL}};
    size_t record_count = 0, user_count = 0, ban_count = 0;
    for (int i = 0; i < LESSONS * UIDS; i++) {
        if (model_is_banned(model, i / UIDS, i % UIDS))
            bans[ban_count++] = (struct ban){lessons[i / UIDS], uids[i % UIDS]};
    }
    for (size_t i = 0; i < LESSONS; i++) {
        const model_lesson *lesson = &model->lessons[i];
        extras[i] = (struct extra){lessons[i], name_of(courses, lesson->course), (uint64_t)lesson->capacity};
        if (lesson->has_record)
            records[record_count++] =
                (struct record){lessons[i], lesson_store_course_status_word(lesson->course_status),
                                lesson_store_chat_status_word(lesson->chat_status)};
    }
    for (size_t i = 0; i < UIDS; i++) {
        const model_user *user = &model->users[i];
        if (user->lesson != MODEL_NONE)
            users[user_count++] = (struct user){uids[i], name_of(courses, user->course), name_of(lessons, user->lesson),
                                                name_of(sessions, user->session), name_of(owners, user->owner)};
    }
    expect_state_with(fixture, records, extras, bans, users);
}

static void walk(struct fixture *fixture) {
    dice_state dice = {1};
    model_state model;
    model_begin(&model);
    for (uint32_t kind = LESSON_STORE_OPERATION_CREATE; LESSON_STORE_OPERATIONS_0_1 >> kind; kind++)
        need_operation(fixture, kind);
    for (int walked = 0; walked < WALKS; walked++) {
        struct step steps[WALK_STEPS + 1];
        for (size_t i = 0; i < WALK_STEPS; i++)
            steps[i] = draw_step(fixture, &dice, &model);
        steps[WALK_STEPS] = (struct step){.lesson_id = NULL};
        play(fixture, steps);
        expect_model(fixture, &model);
    }
}

static const struct test tests[] = {
    {.name = "STATE-1 hundreds of random steps give the answers and the state that a model gives", .function = walk},
};

const test_list walk_tests = TEST_LIST(tests);
