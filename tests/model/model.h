/*
 * What every operation does and answers, as docs/promises.md states, in the simplest form: two small arrays, and a
 * function for each kind of operation. The engines are compared with it.
 *
 * Ids are numbers here; a vocabulary (vocabulary.h) gives them names. So a model is a block of bytes that can be
 * copied, compared by memcmp, and hashed.
 */
#ifndef LESSON_STORE_TESTS_MODEL_H
#define LESSON_STORE_TESTS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MODEL_USERS = 32,
    MODEL_LESSONS = 6,
    MODEL_COURSES = 3,
    MODEL_SESSIONS = 3,
    MODEL_OWNERS = 3,
    MODEL_LEASE_MS = 3600000, /* none runs out in a test */
    MODEL_BAN_MS = 3600000,   /* nor does a ban */
    MODEL_NONE = -1,          /* not given; in no lesson; no status */
    MODEL_STRANGER = -2       /* in an answer: a name outside the vocabulary */
};

/* The reason why a call is INVALID. */
enum {
    MODEL_WRONG_NOTHING,
    MODEL_WRONG_ID_MISSING,
    MODEL_WRONG_ID_EMPTY,
    MODEL_WRONG_ID_LONG,
    MODEL_WRONG_ID_CONTROL,
    MODEL_WRONG_ID_UTF8,
    MODEL_WRONG_KIND,
    MODEL_WRONG_FLAG,
    MODEL_WRONG_STATUS,
    MODEL_WRONG_RESERVED,
    MODEL_WRONG_END
};

typedef struct model_lesson {
    int8_t has_record;
    int8_t course_status; /* both MODEL_NONE without a record */
    int8_t chat_status;
    int8_t course;   /* of the record, or MODEL_NONE */
    int8_t capacity; /* 0: any number */
} model_lesson;

typedef struct model_user {
    int8_t lesson; /* MODEL_NONE: in no lesson, and then the others are also MODEL_NONE */
    int8_t course;
    int8_t session;
    int8_t owner;
} model_user;

typedef struct model_state {
    model_lesson lessons[MODEL_LESSONS];
    model_user users[MODEL_USERS];
    int8_t holds[MODEL_OWNERS];                   /* 1: that owner holds a lease */
    uint8_t bans[MODEL_LESSONS][MODEL_USERS / 8]; /* a bit for each user who is banned from the lesson */
} model_state;

static inline bool model_is_banned(const model_state *model, int lesson, int user) {
    return model->bans[lesson][user / 8] >> user % 8 & 1;
}

void model_set_banned(model_state *model, int lesson, int user, bool is_banned);

/* An operation. Members that its kind does not take are MODEL_NONE. */
typedef struct model_call {
    uint8_t kind; /* lesson_store_operation_kind */
    uint16_t flags;
    int8_t user;
    int8_t course;
    int8_t lesson;
    int8_t session;
    int8_t course_status;
    int8_t chat_status;
    int8_t if_course_status;
    int8_t if_chat_status;
    int8_t if_session;
    int8_t capacity;
    int8_t owner;
    int8_t ban;    /* 1: for MODEL_BAN_MS; 0: lifted */
    bool together; /* the next call is in the same batch */
    uint8_t wrong; /* MODEL_WRONG_...; for all but NOTHING the model answers INVALID */
} model_call;

/* The calls as a test writes them, and as a failing test prints them. */
#define MODEL_CALL(kind, flags, user, course, lesson, session, together, wrong)                                \
    {                                                                                                          \
        LESSON_STORE_OPERATION_##kind, (flags), (user), (course), (lesson), (session), MODEL_NONE, MODEL_NONE, \
            MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, (together), (wrong)        \
    }
#define MODEL_CREATE_WITH(lesson, course, course_status, chat_status, capacity, flags, together, wrong)                \
    {                                                                                                                  \
        LESSON_STORE_OPERATION_CREATE, (flags), MODEL_NONE, (course), (lesson), MODEL_NONE, (course_status),           \
            (chat_status), MODEL_NONE, MODEL_NONE, MODEL_NONE, (capacity), MODEL_NONE, MODEL_NONE, (together), (wrong) \
    }
#define MODEL_CREATE(lesson, flags, together, wrong) \
    MODEL_CALL(CREATE, flags, MODEL_NONE, MODEL_NONE, lesson, MODEL_NONE, together, wrong)
#define MODEL_END(lesson, flags, together, wrong) \
    MODEL_CALL(END, flags, MODEL_NONE, MODEL_NONE, lesson, MODEL_NONE, together, wrong)
#define MODEL_SET_WITH(lesson, course_status, chat_status, if_course_status, if_chat_status, capacity, together,      \
                       wrong)                                                                                         \
    {                                                                                                                 \
        LESSON_STORE_OPERATION_SET, 0, MODEL_NONE, MODEL_NONE, (lesson), MODEL_NONE, (course_status), (chat_status),  \
            (if_course_status), (if_chat_status), MODEL_NONE, (capacity), MODEL_NONE, MODEL_NONE, (together), (wrong) \
    }
#define MODEL_SET(lesson, course_status, chat_status, if_course_status, if_chat_status, together, wrong) \
    MODEL_SET_WITH(lesson, course_status, chat_status, if_course_status, if_chat_status, MODEL_NONE, together, wrong)
#define MODEL_GET_LESSON(lesson, together, wrong) \
    MODEL_CALL(GET_LESSON, 0, MODEL_NONE, MODEL_NONE, lesson, MODEL_NONE, together, wrong)
#define MODEL_JOIN(user, course, lesson, session, flags, together, wrong) \
    MODEL_CALL(JOIN, flags, user, course, lesson, session, together, wrong)
#define MODEL_ADMIT(user, course, lesson, session, if_session, owner, flags, together, wrong)                \
    {                                                                                                        \
        LESSON_STORE_OPERATION_JOIN, (flags), (user), (course), (lesson), (session), MODEL_NONE, MODEL_NONE, \
            MODEL_NONE, MODEL_NONE, (if_session), MODEL_NONE, (owner), MODEL_NONE, (together), (wrong)       \
    }
#define MODEL_HOLD(owner, flags, together, wrong)                                                                     \
    {                                                                                                                 \
        LESSON_STORE_OPERATION_HOLD, (flags), MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, \
            MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, (owner), MODEL_NONE, (together), (wrong)                  \
    }
#define MODEL_BAN(user, lesson, ban, flags, together, wrong)                                                   \
    {                                                                                                          \
        LESSON_STORE_OPERATION_BAN, (flags), (user), MODEL_NONE, (lesson), MODEL_NONE, MODEL_NONE, MODEL_NONE, \
            MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, MODEL_NONE, (ban), (together), (wrong)             \
    }
#define MODEL_QUIT(user, lesson, session, together, wrong) \
    MODEL_CALL(QUIT, 0, user, MODEL_NONE, lesson, session, together, wrong)
#define MODEL_WHERE(user, together, wrong) \
    MODEL_CALL(WHERE, 0, user, MODEL_NONE, MODEL_NONE, MODEL_NONE, together, wrong)
#define MODEL_COUNT(lesson, together, wrong) \
    MODEL_CALL(COUNT_MEMBERS, 0, MODEL_NONE, MODEL_NONE, lesson, MODEL_NONE, together, wrong)

/* The answer of an operation. Members that do not belong to the answer are 0, or MODEL_NONE for ids and statuses. */
typedef struct model_answer {
    int32_t code;
    uint32_t count; /* END, BAN: removed users; COUNT, GET_LESSON, and a JOIN without room: members */
    uint8_t arrival;
    uint32_t refused_by;
    int8_t course; /* of the returned place, or of the lesson record */
    int8_t lesson;
    int8_t session;
    int8_t owner;
    int8_t has_record; /* GET_LESSON; the statuses also for SET with CONFLICT */
    int8_t course_status;
    int8_t chat_status;
    int8_t capacity; /* GET_LESSON */
} model_answer;

/* No user is in a lesson, and there is no lesson. */
void model_begin(model_state *model);

/* Runs the call, and returns the answer that a store must give. */
model_answer model_run(model_state *model, const model_call *call);

bool model_answers_equal(const model_answer *a, const model_answer *b);

/* Writes the call as in a test, "MODEL_JOIN(3, 0, 1, MODEL_NONE, LESSON_STORE_JOIN_STAY, 0, 0),", or an answer for a
 * person. `text` has MODEL_TEXT_SIZE bytes, and is returned. */
enum { MODEL_TEXT_SIZE = 200 };
const char *model_call_text(const model_call *call, char text[MODEL_TEXT_SIZE]);
const char *model_answer_text(const model_answer *answer, char text[MODEL_TEXT_SIZE]);

#endif
