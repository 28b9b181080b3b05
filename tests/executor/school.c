#include "school.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"

void school_teacher_begin(school_teacher *teacher, int number) {
    teacher->number = number;
    teacher->chance = (uint64_t)number + 1;
    for (int i = 0; i < SCHOOL_USERS; i++)
        teacher->lesson_of[i] = SCHOOL_NOWHERE;
    for (int i = 0; i < SCHOOL_OWN; i++)
        teacher->status_of[i] = LESSON_STORE_STATUS_NONE;
}

unsigned school_chance(school_teacher *teacher, unsigned end) {
    teacher->chance = teacher->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(teacher->chance >> 33) % end;
}

void school_name_user(char uid[32], int teacher, int user) {
    snprintf(uid, 32, "user %d of %d", user, teacher);
}

void school_name_shared(char lesson_id[32], int lesson) {
    snprintf(lesson_id, 32, "shared %d", lesson);
}

static void begin(school_deed *deed, lesson_store_operation_kind kind) {
    deed->operation = (lesson_store_operation){.kind = kind};
    deed->code = LESSON_STORE_OK;
    deed->reported = SCHOOL_NOWHERE;
}

static void name_lesson(school_deed *deed, int lesson) {
    school_name_shared(deed->lesson_id, lesson);
    deed->operation.lesson_id = lesson_store_id_of(deed->lesson_id);
}

/* ---- Operations on a user */

static void plan_join(school_teacher *teacher, school_deed *deed, int *lesson_of) {
    int lesson = (int)school_chance(teacher, SCHOOL_SHARED);
    begin(deed, LESSON_STORE_OPERATION_JOIN);
    name_lesson(deed, lesson);
    deed->operation.course_id = lesson_store_id_of("course");
    deed->reported = *lesson_of;
    unsigned kind = school_chance(teacher, 4);
    if (kind == 0)
        deed->operation.flags = LESSON_STORE_JOIN_STAY;
    else if (kind == 1)
        deed->operation.flags = LESSON_STORE_JOIN_IF_EXISTS; /* the shared lessons have no record */
    bool elsewhere = *lesson_of != SCHOOL_NOWHERE && *lesson_of != lesson;
    if (kind == 1 || (kind == 0 && elsewhere))
        deed->code = LESSON_STORE_REFUSED;
    else
        *lesson_of = lesson;
}

static void plan_quit(school_teacher *teacher, school_deed *deed, int *lesson_of) {
    begin(deed, LESSON_STORE_OPERATION_QUIT);
    int named = SCHOOL_NOWHERE;
    if (school_chance(teacher, 2) == 0) {
        named = (int)school_chance(teacher, SCHOOL_SHARED);
        name_lesson(deed, named);
    }
    if (*lesson_of == SCHOOL_NOWHERE) {
        deed->code = LESSON_STORE_NOT_FOUND;
        return;
    }
    deed->reported = *lesson_of;
    if (named != SCHOOL_NOWHERE && named != *lesson_of)
        deed->code = LESSON_STORE_CONFLICT;
    else
        *lesson_of = SCHOOL_NOWHERE;
}

static void plan_where(school_deed *deed, const int *lesson_of) {
    begin(deed, LESSON_STORE_OPERATION_WHERE);
    deed->reported = *lesson_of;
    deed->code = *lesson_of == SCHOOL_NOWHERE ? LESSON_STORE_NOT_FOUND : LESSON_STORE_OK;
}

static void plan_for_user(school_teacher *teacher, school_deed *deed) {
    int user = (int)school_chance(teacher, SCHOOL_USERS);
    unsigned kind = school_chance(teacher, 6);
    if (kind < 3)
        plan_join(teacher, deed, &teacher->lesson_of[user]);
    else if (kind < 5)
        plan_quit(teacher, deed, &teacher->lesson_of[user]);
    else
        plan_where(deed, &teacher->lesson_of[user]);
    school_name_user(deed->uid, teacher->number, user);
    deed->operation.uid = lesson_store_id_of(deed->uid);
    deed->operation.place = &deed->place;
}

/* ---- Operations on a lesson */

static void plan_set(school_teacher *teacher, school_deed *deed, int *status) {
    begin(deed, LESSON_STORE_OPERATION_SET);
    bool expects = school_chance(teacher, 2);
    deed->operation.given = LESSON_STORE_GIVEN_COURSE_STATUS;
    deed->operation.course_status = (int32_t)school_chance(teacher, 4);
    if (expects) {
        deed->operation.given |= LESSON_STORE_GIVEN_IF_COURSE_STATUS;
        deed->operation.if_course_status = LESSON_STORE_COURSE_ONLINE;
    }
    if (*status == LESSON_STORE_STATUS_NONE)
        deed->code = LESSON_STORE_NOT_FOUND;
    else if (expects && *status != LESSON_STORE_COURSE_ONLINE)
        deed->code = LESSON_STORE_CONFLICT;
    else
        *status = deed->operation.course_status;
}

static void plan_for_lesson(school_teacher *teacher, school_deed *deed) {
    int lesson = (int)school_chance(teacher, SCHOOL_OWN);
    int *status = &teacher->status_of[lesson];
    bool exists = *status != LESSON_STORE_STATUS_NONE;
    switch (school_chance(teacher, 5)) {
    case 0:
        begin(deed, LESSON_STORE_OPERATION_CREATE);
        deed->code = exists ? LESSON_STORE_EXISTS : LESSON_STORE_OK;
        *status = exists ? *status : LESSON_STORE_COURSE_WAITING;
        break;
    case 1:
        begin(deed, LESSON_STORE_OPERATION_END);
        deed->code = exists ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
        *status = LESSON_STORE_STATUS_NONE;
        break;
    case 2:
        begin(deed, LESSON_STORE_OPERATION_GET_LESSON);
        deed->code = exists ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
        break;
    default:
        plan_set(teacher, deed, status);
    }
    snprintf(deed->lesson_id, sizeof deed->lesson_id, "own %d of %d", lesson, teacher->number);
    deed->operation.lesson_id = lesson_store_id_of(deed->lesson_id);
}

void school_plan(school_teacher *teacher, school_deed *deed) {
    memset(deed, 0, sizeof *deed);
    if (school_chance(teacher, 5) == 0)
        plan_for_lesson(teacher, deed);
    else
        plan_for_user(teacher, deed);
}

void school_check(const lesson_store_operation *operation, void *context) {
    school_deed *deed = context;
    bool right = operation->code == deed->code;
    if (right && deed->reported != SCHOOL_NOWHERE) {
        char reported[32];
        school_name_shared(reported, deed->reported);
        right = operation->place && strcmp(operation->place->lesson_id, reported) == 0;
    }
    if (!right) {
        fprintf(stderr, "operation %u on %s %s: %s and not %s: %s\n", operation->kind, deed->uid, deed->lesson_id,
                lesson_store_code_name(operation->code), lesson_store_code_name(deed->code),
                operation->code < 0 ? lesson_store_message() : "");
        atomic_fetch_add(&deed->wrong, 1);
    }
    atomic_fetch_add(&deed->calls, 1);
}

/* ---- What the store must hold */

struct roll {
    const school_teacher *teachers;
    int count;
    size_t seen;
    size_t wrong;
    int lesson; /* the lesson whose members are listed */
};

static bool is_id(lesson_store_id id, const char *text) {
    return id.size == strlen(text) && memcmp(id.data, text, id.size) == 0;
}

/* The lesson in which the model has this user, or SCHOOL_NOWHERE. */
static int lesson_of(const struct roll *roll, lesson_store_id uid) {
    char text[LESSON_STORE_ID_MAX + 1];
    int user, teacher;
    lesson_store_id_copy(text, uid);
    if (sscanf(text, "user %d of %d", &user, &teacher) != 2 || teacher >= roll->count || user >= SCHOOL_USERS)
        return SCHOOL_NOWHERE;
    return roll->teachers[teacher].lesson_of[user];
}

static bool call_user(const lesson_store_user *user, void *context) {
    struct roll *roll = context;
    char lesson_id[32];
    int lesson = lesson_of(roll, user->uid);
    school_name_shared(lesson_id, lesson);
    roll->seen++;
    roll->wrong += lesson == SCHOOL_NOWHERE || !is_id(user->lesson_id, lesson_id);
    return true;
}

static bool call_member(const lesson_store_id *uid, void *context) {
    struct roll *roll = context;
    roll->seen++;
    roll->wrong += lesson_of(roll, *uid) != roll->lesson;
    return true;
}

static size_t members_in_model(const school_teacher *teachers, int count, int lesson) {
    size_t members = 0;
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < SCHOOL_USERS; k++)
            members += teachers[i].lesson_of[k] == lesson;
    }
    return members;
}

static void compare_members(lesson_store *store, struct roll *roll, int lesson) {
    char lesson_id[32];
    uint64_t counted;
    size_t members = members_in_model(roll->teachers, roll->count, lesson);
    school_name_shared(lesson_id, lesson);
    roll->seen = 0;
    roll->lesson = lesson;
    assert_int_equal(lesson_store_members(store, lesson_id, call_member, roll), LESSON_STORE_OK);
    assert_int_equal(roll->seen, members);
    assert_int_equal(lesson_store_count_members(store, lesson_id, &counted), LESSON_STORE_OK);
    assert_int_equal(counted, members);
}

static void compare_own_lessons(lesson_store *store, const school_teacher *teacher) {
    for (int i = 0; i < SCHOOL_OWN; i++) {
        char lesson_id[32];
        lesson_store_lesson lesson = {.course_status = LESSON_STORE_STATUS_NONE};
        bool exists = teacher->status_of[i] != LESSON_STORE_STATUS_NONE;
        snprintf(lesson_id, sizeof lesson_id, "own %d of %d", i, teacher->number);
        assert_int_equal(lesson_store_get_lesson(store, lesson_id, &lesson),
                         exists ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
        if (exists)
            assert_int_equal(lesson.course_status, teacher->status_of[i]);
    }
}

void school_compare(lesson_store *store, const school_teacher *teachers, int count) {
    struct roll roll = {.teachers = teachers, .count = count};
    size_t nowhere = members_in_model(teachers, count, SCHOOL_NOWHERE);
    assert_int_equal(lesson_store_users(store, call_user, &roll), LESSON_STORE_OK);
    assert_int_equal(roll.seen, (size_t)count * SCHOOL_USERS - nowhere);
    for (int lesson = 0; lesson < SCHOOL_SHARED; lesson++)
        compare_members(store, &roll, lesson);
    assert_int_equal(roll.wrong, 0);
    for (int i = 0; i < count; i++)
        compare_own_lessons(store, &teachers[i]);
}
