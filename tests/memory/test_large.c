/*
 * A store larger than those of the conformance suite: the table of users has grown many times, batches prefetch, and in
 * large lessons the last members take the places of those who left. Every answer is compared with a model of two
 * arrays.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include <lessonstore/lessonstore.h>

enum { USERS = 150000, LESSONS = 40, BATCH_MAX = 300, NOWHERE = -1, ID_SIZE = 16 };

struct model {
    lesson_store *store;
    uint64_t random;
    int lesson_of[USERS];
    char uids[USERS][ID_SIZE];
    char lesson_ids[LESSONS][ID_SIZE];
};

/* xorshift64 */
static int below(struct model *model, int limit) {
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (int)(model->random % (uint64_t)limit);
}

static int open_model(void **state) {
    struct model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->random = UINT64_C(88172645463325252);
    assert_int_equal(lesson_store_open(&model->store, "memory:"), LESSON_STORE_OK);
    for (int i = 0; i < USERS; i++) {
        model->lesson_of[i] = NOWHERE;
        snprintf(model->uids[i], ID_SIZE, "u%d", i);
    }
    for (int i = 0; i < LESSONS; i++)
        snprintf(model->lesson_ids[i], ID_SIZE, "lesson %d", i);
    *state = model;
    return 0;
}

static int close_model(void **state) {
    struct model *model = *state;
    lesson_store_close(model->store);
    free(model);
    return 0;
}

/* ---- Batches */

struct step {
    int user;
    int lesson; /* of a join */
    lesson_store_place place;
};

/* Of the operations that change something, `join_percent` percent are joins; the others are quits. */
static void ask(struct model *model, lesson_store_operation *operation, struct step *step, int join_percent) {
    bool writes = below(model, 4) > 0;
    bool joins = writes && below(model, 100) < join_percent;
    step->user = below(model, USERS);
    step->lesson = below(model, LESSONS);
    *operation = (lesson_store_operation){.kind = joins    ? LESSON_STORE_OPERATION_JOIN
                                                  : writes ? LESSON_STORE_OPERATION_QUIT
                                                           : LESSON_STORE_OPERATION_WHERE};
    operation->uid = lesson_store_id_of(model->uids[step->user]);
    operation->place = &step->place;
    if (joins) {
        operation->course_id = lesson_store_id_of("course");
        operation->lesson_id = lesson_store_id_of(model->lesson_ids[step->lesson]);
    }
}

static void compare(struct model *model, const lesson_store_operation *operation, const struct step *step) {
    int *lesson = &model->lesson_of[step->user];
    bool joins = operation->kind == LESSON_STORE_OPERATION_JOIN;
    assert_int_equal(operation->code, joins || *lesson != NOWHERE ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    if (*lesson != NOWHERE)
        assert_string_equal(step->place.lesson_id, model->lesson_ids[*lesson]);
    if (joins) {
        assert_int_equal(operation->arrival, *lesson == NOWHERE        ? LESSON_STORE_ARRIVAL_NEW
                                             : *lesson == step->lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                                                       : LESSON_STORE_ARRIVAL_MOVED);
        *lesson = step->lesson;
    } else if (operation->kind == LESSON_STORE_OPERATION_QUIT) {
        *lesson = NOWHERE;
    }
}

static void run_batches(struct model *model, int batches, int join_percent) {
    lesson_store_operation operations[BATCH_MAX];
    struct step steps[BATCH_MAX];
    for (int batch = 0; batch < batches; batch++) {
        int count = 1 + below(model, BATCH_MAX);
        for (int i = 0; i < count; i++)
            ask(model, &operations[i], &steps[i], join_percent);
        assert_int_equal(lesson_store_batch(model->store, operations, (size_t)count), LESSON_STORE_OK);
        for (int i = 0; i < count; i++)
            compare(model, &operations[i], &steps[i]);
    }
}

/* ---- The whole state */

struct roll {
    struct model *model;
    int lesson;
    int count;
    bool seen[USERS];
};

static bool call_member(const lesson_store_id *uid, void *context) {
    struct roll *roll = context;
    char text[ID_SIZE];
    snprintf(text, sizeof text, "%.*s", (int)uid->size, uid->data);
    int user = atoi(text + 1);
    assert_in_range(user, 0, USERS - 1);
    assert_int_equal(roll->model->lesson_of[user], roll->lesson);
    assert_false(roll->seen[user]);
    roll->seen[user] = true;
    roll->count++;
    return true;
}

static bool count_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(int *)context;
    return true;
}

static void compare_all(struct model *model) {
    static struct roll roll;
    int users = 0, listed = 0;
    for (int lesson = 0; lesson < LESSONS; lesson++) {
        uint64_t count;
        int members = 0;
        for (int i = 0; i < USERS; i++)
            members += model->lesson_of[i] == lesson;
        roll.model = model;
        roll.lesson = lesson;
        roll.count = 0;
        memset(roll.seen, 0, sizeof roll.seen);
        assert_int_equal(lesson_store_members(model->store, model->lesson_ids[lesson], call_member, &roll), 0);
        assert_int_equal(lesson_store_count_members(model->store, model->lesson_ids[lesson], &count), 0);
        assert_int_equal(roll.count, members);
        assert_int_equal(count, members);
        users += members;
    }
    assert_int_equal(lesson_store_users(model->store, count_user, &listed), 0);
    assert_int_equal(listed, users);
}

static void batches_of_a_large_store_answer_as_the_model(void **state) {
    struct model *model = *state;
    run_batches(model, 2000, 90);
    compare_all(model);
    run_batches(model, 2000, 50);
    compare_all(model);
}

static void lessons_that_nearly_everybody_has_left_list_the_rest(void **state) {
    struct model *model = *state;
    for (int round = 0; round < 3; round++) {
        run_batches(model, 1500, 100);
        for (int i = 0; i < USERS; i++) {
            bool stays = i % 10 == round;
            bool is_there = model->lesson_of[i] != NOWHERE;
            if (stays || !is_there)
                continue;
            assert_int_equal(lesson_store_quit(model->store, model->uids[i], NULL, NULL, NULL), LESSON_STORE_OK);
            model->lesson_of[i] = NOWHERE;
        }
        compare_all(model);
    }
}

/* Nearly every member has been moved to another place among the members before. */
static void an_end_puts_out_who_was_moved_within_the_members(void **state) {
    struct model *model = *state;
    run_batches(model, 1000, 90);
    for (int lesson = 0; lesson < LESSONS; lesson += 2) {
        uint64_t left, members = 0;
        for (int i = 0; i < USERS; i++) {
            members += model->lesson_of[i] == lesson;
            model->lesson_of[i] = model->lesson_of[i] == lesson ? NOWHERE : model->lesson_of[i];
        }
        assert_int_equal(lesson_store_end(model->store, model->lesson_ids[lesson], 0, &left), LESSON_STORE_OK);
        assert_int_equal(left, members);
    }
    compare_all(model);
    run_batches(model, 500, 60);
    compare_all(model);
}

/* Among this many users about 19 pairs have the same 32-bit hash. A run without any has a probability of 10^-8. */
static void users_of_the_same_hash_are_told_apart(void **state) {
    enum { MANY = 400000 };
    struct model *model = *state;
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.course_id = lesson_store_id_of("course");
    join.lesson_id = lesson_store_id_of("lesson");
    for (int i = 0; i < MANY; i++) {
        char uid[ID_SIZE];
        snprintf(uid, sizeof uid, "u%d", i);
        join.uid = lesson_store_id_of(uid);
        assert_int_equal(lesson_store_batch(model->store, &join, 1), LESSON_STORE_OK);
        assert_int_equal(join.code, LESSON_STORE_OK);
        assert_int_equal(join.arrival, LESSON_STORE_ARRIVAL_NEW);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(batches_of_a_large_store_answer_as_the_model),
        TEST(lessons_that_nearly_everybody_has_left_list_the_rest),
        TEST(an_end_puts_out_who_was_moved_within_the_members),
        TEST(users_of_the_same_hash_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
