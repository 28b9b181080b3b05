/* Schedules: what the model did in a simulation, a step a line, as p3.pml prints it. */
#ifndef LESSON_STORE_TESTS_PROTOCOL_SCHEDULE_H
#define LESSON_STORE_TESTS_PROTOCOL_SCHEDULE_H

#include "stage.h"

#define SCHEDULE_EVENTS_MAX 2000

/* What the model has stored for a user. */
typedef struct schedule_user {
    int lesson;
    int version;
    int last;
    int seen;
    int is_member[STAGE_LESSONS + 1];
    int versions[STAGE_LESSONS + 1];
} schedule_user;

typedef struct schedule_event {
    char name[16]; /* "step", "late", "resend", "crash", ... */
    int process;
    char script[16]; /* of step, late and resend; of end: the outcome */
    int users;       /* a bit for each */
    int lesson;
    int a, b, c;
    char status[16];
    int now, version, rest; /* the reply */
    bool has_state;
    schedule_user state[STAGE_USERS];
    char line[240];
} schedule_event;

typedef struct test_schedule {
    schedule_event *events;
    size_t count;
    int users;
} test_schedule;

/* Lets the model play in the current directory. `flags` are those of spin. False, with a message on stderr, if it
 * cannot. */
bool schedule_make(test_schedule *schedule, const char *flags, unsigned seed);
void schedule_free(test_schedule *schedule);

/* Prints the events on stderr, with a mark at this one. */
void schedule_print(const test_schedule *schedule, size_t at);

/* The next event of this process behind `at`, or NULL. */
const schedule_event *schedule_next_of(const test_schedule *schedule, size_t at, int process);

static inline bool schedule_is(const char *word, const char *expected) {
    return __builtin_strcmp(word, expected) == 0;
}

#endif
