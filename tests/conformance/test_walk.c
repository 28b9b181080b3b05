/*
 * Long random walks, the same in every run, whose answers are worked out beforehand by a model: four arrays that do
 * what the promises say in the plainest way. They reach the combinations that nobody thought of writing down.
 */
#include "suite.h"

#define WALK_STEPS 150
#define WALKS 4

static const char *const uids[] = {"ann", "Ann", "bob", "cid", "dot"};
static const char *const lessons[] = {"algebra", "algebra ", "biology", "choir"};
static const char *const courses[] = {"maths", "arts"};
static const char *const sessions[] = {"s1", "s2"};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { UIDS = COUNT_OF(uids), LESSONS = COUNT_OF(lessons) };

#define STATUS_NONE LESSON_STORE_STATUS_NONE

struct model_lesson {
    const char *lesson_id;
    bool has_record;
    int course_status;
    int chat_status;
};

struct model {
    unsigned seed;
    const lesson_store_conformance_backend *backend;
    struct model_lesson lessons[LESSONS];
    struct user users[UIDS]; /* lesson_id NULL: nowhere */
};

static struct model_lesson *lesson_of(struct model *model, const char *lesson_id) {
    struct model_lesson *lesson = model->lessons;
    while (strcmp(lesson->lesson_id, lesson_id) != 0)
        lesson++;
    return lesson;
}

static struct user *user_of(struct model *model, const char *uid) {
    struct user *user = model->users;
    while (strcmp(user->uid, uid) != 0)
        user++;
    return user;
}

static bool is_in(const struct user *user, const char *lesson_id) {
    return user->lesson_id && strcmp(user->lesson_id, lesson_id) == 0;
}

static uint64_t count_members(const struct model *model, const char *lesson_id) {
    uint64_t count = 0;
    for (size_t i = 0; i < UIDS; i++)
        count += is_in(&model->users[i], lesson_id);
    return count;
}

static void expect_place(struct step *step, const struct user *user) {
    step->place.course_id = user->course_id;
    step->place.lesson_id = user->lesson_id;
    step->place.session = user->session;
}

static void expect_statuses(struct step *step, const struct model_lesson *lesson) {
    step->lesson.course_status = lesson->has_record ? lesson_store_course_status_word(lesson->course_status) : NULL;
    step->lesson.chat_status = lesson->has_record ? lesson_store_chat_status_word(lesson->chat_status) : NULL;
}

static void leave(struct user *user) {
    *user = (struct user){.uid = user->uid};
}

/* ---- What each operation does and answers */

static int model_create(struct model *model, struct step *step) {
    struct model_lesson *lesson = lesson_of(model, step->lesson_id);
    if (lesson->has_record && !step->flags)
        return LESSON_STORE_EXISTS;
    *lesson = (struct model_lesson){lesson->lesson_id, true, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE};
    return LESSON_STORE_OK;
}

static int model_end(struct model *model, struct step *step) {
    struct model_lesson *lesson = lesson_of(model, step->lesson_id);
    bool had_record = lesson->has_record;
    lesson->has_record = false;
    if (step->flags)
        return had_record ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
    for (size_t i = 0; i < UIDS; i++) {
        if (!is_in(&model->users[i], step->lesson_id))
            continue;
        leave(&model->users[i]);
        step->count++;
    }
    return had_record || step->count > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
}

static bool holds(int expected, int present) {
    return expected == STATUS_NONE || expected == present;
}

static int model_set(struct model *model, struct step *step) {
    struct model_lesson *lesson = lesson_of(model, step->lesson_id);
    lesson_store_operation set = operation_of_step(step);
    if (!lesson->has_record)
        return LESSON_STORE_NOT_FOUND;
    if (!holds(set.if_course_status, lesson->course_status) || !holds(set.if_chat_status, lesson->chat_status)) {
        expect_statuses(step, lesson);
        return LESSON_STORE_CONFLICT;
    }
    if (set.course_status != STATUS_NONE)
        lesson->course_status = set.course_status;
    if (set.chat_status != STATUS_NONE)
        lesson->chat_status = set.chat_status;
    return LESSON_STORE_OK;
}

static int model_get_lesson(struct model *model, struct step *step) {
    struct model_lesson *lesson = lesson_of(model, step->lesson_id);
    step->count = count_members(model, step->lesson_id);
    expect_statuses(step, lesson);
    return lesson->has_record || step->count > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
}

static uint32_t forbidding_flags(const struct model_lesson *lesson, const struct user *user, const struct step *step) {
    bool is_open = lesson->has_record && (lesson->course_status == LESSON_STORE_COURSE_ONLINE ||
                                          lesson->course_status == LESSON_STORE_COURSE_WAITING);
    uint32_t forbidding = 0;
    if (!lesson->has_record)
        forbidding |= LESSON_STORE_IF_EXISTS;
    if (!is_open)
        forbidding |= LESSON_STORE_IF_OPEN;
    if (user->lesson_id && !is_in(user, step->lesson_id))
        forbidding |= LESSON_STORE_STAY;
    return forbidding & step->flags;
}

static int model_join(struct model *model, struct step *step) {
    struct user *user = user_of(model, step->uid);
    expect_place(step, user);
    step->refused_by = forbidding_flags(lesson_of(model, step->lesson_id), user, step);
    if (step->refused_by)
        return LESSON_STORE_REFUSED;
    step->arrival = !user->lesson_id               ? LESSON_STORE_ARRIVAL_NEW
                    : is_in(user, step->lesson_id) ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                                   : LESSON_STORE_ARRIVAL_MOVED;
    *user = (struct user){user->uid, step->course_id, step->lesson_id, step->session};
    return LESSON_STORE_OK;
}

static int model_quit(struct model *model, struct step *step) {
    struct user *user = user_of(model, step->uid);
    if (!user->lesson_id)
        return LESSON_STORE_NOT_FOUND;
    expect_place(step, user);
    bool same_session = user->session && step->session && strcmp(user->session, step->session) == 0;
    if ((step->lesson_id && !is_in(user, step->lesson_id)) || (step->session && !same_session))
        return LESSON_STORE_CONFLICT;
    leave(user);
    return LESSON_STORE_OK;
}

static int model_where(struct model *model, struct step *step) {
    const struct user *user = user_of(model, step->uid);
    expect_place(step, user);
    return user->lesson_id ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
}

static int model_count(struct model *model, struct step *step) {
    step->count = count_members(model, step->lesson_id);
    return LESSON_STORE_OK;
}

/* ---- Drawing steps */

#define DRAW(model, array) (array)[draw(&(model)->seed, (unsigned)COUNT_OF(array))]

static bool toss(struct model *model, unsigned one_in) {
    return draw(&model->seed, one_in) == 0;
}

static const char *draw_course_status(struct model *model) {
    return lesson_store_course_status_word((int)draw(&model->seed, 4));
}

static const char *draw_chat_status(struct model *model) {
    return lesson_store_chat_status_word((int)draw(&model->seed, 2));
}

static const char *draw_session(struct model *model, unsigned one_in) {
    bool keeps = model->backend->capabilities & LESSON_STORE_CAN_KEEP_SESSIONS;
    return keeps && toss(model, one_in) ? DRAW(model, sessions) : NULL;
}

static uint32_t draw_flags(struct model *model, uint32_t flags) {
    return draw(&model->seed, LESSON_STORE_ALL_FLAGS + 1) & flags & model->backend->flags;
}

static void draw_set(struct model *model, struct step *step) {
    bool both = toss(model, 3), course = both || toss(model, 2);
    if (course)
        step->course_status = draw_course_status(model);
    if (both || !course)
        step->chat_status = draw_chat_status(model);
    if (toss(model, 3))
        step->if_course_status = draw_course_status(model);
    if (toss(model, 3))
        step->if_chat_status = draw_chat_status(model);
}

/* Joins come most often, ends seldom, so that there is something to end. */
static const uint32_t kinds[] = {
    LESSON_STORE_OPERATION_JOIN, LESSON_STORE_OPERATION_JOIN,       LESSON_STORE_OPERATION_JOIN,
    LESSON_STORE_OPERATION_JOIN, LESSON_STORE_OPERATION_JOIN,       LESSON_STORE_OPERATION_QUIT,
    LESSON_STORE_OPERATION_QUIT, LESSON_STORE_OPERATION_SET,        LESSON_STORE_OPERATION_SET,
    LESSON_STORE_OPERATION_SET,  LESSON_STORE_OPERATION_CREATE,     LESSON_STORE_OPERATION_CREATE,
    LESSON_STORE_OPERATION_END,  LESSON_STORE_OPERATION_GET_LESSON, LESSON_STORE_OPERATION_WHERE,
    LESSON_STORE_OPERATION_COUNT};

static int draw_step(struct model *model, struct step *step) {
    *step = (struct step){.kind = DRAW(model, kinds), .lesson_id = DRAW(model, lessons)};
    switch ((lesson_store_operation_kind)step->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        step->flags = draw_flags(model, LESSON_STORE_RESET);
        return model_create(model, step);
    case LESSON_STORE_OPERATION_END:
        step->flags = draw_flags(model, LESSON_STORE_RECORD_ONLY);
        return model_end(model, step);
    case LESSON_STORE_OPERATION_SET:
        draw_set(model, step);
        return model_set(model, step);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return model_get_lesson(model, step);
    case LESSON_STORE_OPERATION_JOIN:
        step->uid = DRAW(model, uids);
        step->course_id = DRAW(model, courses);
        step->session = draw_session(model, 2);
        if (toss(model, 2))
            step->flags = draw_flags(model, LESSON_STORE_IF_EXISTS | LESSON_STORE_IF_OPEN | LESSON_STORE_STAY);
        return model_join(model, step);
    case LESSON_STORE_OPERATION_QUIT:
        step->uid = DRAW(model, uids);
        step->lesson_id = toss(model, 2) ? step->lesson_id : NULL;
        step->session = draw_session(model, 3);
        return model_quit(model, step);
    case LESSON_STORE_OPERATION_WHERE:
        step->uid = DRAW(model, uids);
        step->lesson_id = NULL;
        return model_where(model, step);
    case LESSON_STORE_OPERATION_COUNT:
        return model_count(model, step);
    }
    return LESSON_STORE_INVALID;
}

/* ---- Walking */

static void begin_model(struct model *model, const struct fixture *fixture) {
    *model = (struct model){.seed = 1, .backend = fixture->backend};
    for (size_t i = 0; i < LESSONS; i++)
        model->lessons[i].lesson_id = lessons[i];
    for (size_t i = 0; i < UIDS; i++)
        model->users[i].uid = uids[i];
}

static void expect_model(struct fixture *fixture, const struct model *model) {
    struct record records[LESSONS + 1] = {{NULL, NULL, NULL}};
    struct user users[UIDS + 1] = {{NULL, NULL, NULL, NULL}};
    size_t record_count = 0, user_count = 0;
    for (size_t i = 0; i < LESSONS; i++) {
        const struct model_lesson *lesson = &model->lessons[i];
        if (lesson->has_record)
            records[record_count++] =
                (struct record){lesson->lesson_id, lesson_store_course_status_word(lesson->course_status),
                                lesson_store_chat_status_word(lesson->chat_status)};
    }
    for (size_t i = 0; i < UIDS; i++) {
        if (model->users[i].lesson_id)
            users[user_count++] = model->users[i];
    }
    expect_state(fixture, records, users);
}

static void walk(struct fixture *fixture) {
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        need_operation(fixture, kinds[i]);
    struct model model;
    begin_model(&model, fixture);
    for (int walked = 0; walked < WALKS; walked++) {
        struct step steps[WALK_STEPS + 1];
        for (size_t i = 0; i < WALK_STEPS; i++)
            steps[i].code = draw_step(&model, &steps[i]);
        steps[WALK_STEPS] = (struct step){.lesson_id = NULL};
        play(fixture, steps);
        expect_model(fixture, &model);
    }
}

static const struct test tests[] = {
    {.name = "STATE-1 hundreds of random steps give the answers and the state that a model gives", .function = walk},
};

const test_list walk_tests = TEST_LIST(tests);
