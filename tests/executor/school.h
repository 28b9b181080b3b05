/*
 * A school whose teachers work in separate threads, and a model of what the store must hold afterwards.
 *
 * Each teacher has users and lessons that no other teacher uses, and all share some other lessons. So the answer to
 * every operation follows from what the same teacher has submitted before on the same user or lesson, whatever the
 * others do. A deed is an operation together with its expected answer.
 */
#ifndef LESSON_STORE_TESTS_SCHOOL_H
#define LESSON_STORE_TESTS_SCHOOL_H

#include <stdatomic.h>

#include <lessonstore/backend.h>
#include <lessonstore/executor.h>

enum {
    SCHOOL_TEACHERS_MAX = 8,
    SCHOOL_USERS = 24,  /* of each teacher */
    SCHOOL_OWN = 3,     /* lessons of each teacher; without members */
    SCHOOL_SHARED = 10, /* lessons that all share */
    SCHOOL_NOWHERE = -1
};

typedef struct school_teacher {
    int number;
    uint64_t chance;
    int lesson_of[SCHOOL_USERS]; /* a shared lesson, or SCHOOL_NOWHERE */
    int status_of[SCHOOL_OWN];   /* course statuses, or LESSON_STORE_STATUS_NONE without a record */
} school_teacher;

typedef struct school_deed {
    lesson_store_operation operation;
    lesson_store_place place;
    char uid[32];
    char lesson_id[32];
    int code;         /* the expected code */
    int reported;     /* the expected lesson of its place; SCHOOL_NOWHERE: none */
    atomic_int calls; /* of its callback */
    atomic_int wrong;
} school_deed;

void school_teacher_begin(school_teacher *teacher, int number);

/* A random number below `end`, the same in each run. */
unsigned school_chance(school_teacher *teacher, unsigned end);

/* Names, as in the model. */
void school_name_user(char uid[32], int teacher, int user);
void school_name_shared(char lesson_id[32], int lesson);

/* Chooses the next deed and applies it to the model. The deed must stay in place until it is done. */
void school_plan(school_teacher *teacher, school_deed *deed);

/* Call it with the answered operation. A callback's context is the deed. */
void school_check(const lesson_store_operation *operation, void *deed);

/* The test fails unless the store agrees with the model. */
void school_compare(lesson_store *store, const school_teacher *teachers, int count);

#endif
