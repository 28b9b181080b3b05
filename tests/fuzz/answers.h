/* What any store may return, whatever the engine is: the rules of lessonstore.h as conditions. */
#ifndef LESSON_STORE_FUZZ_ANSWERS_H
#define LESSON_STORE_FUZZ_ANSWERS_H

#include "fuzz.h"

/* A negative code is one of the failures, and has a message of one printable line. Other codes are not checked. */
void fuzz_require_code(int code);

/* For an operation that was sent and answered: its kind may have this code, and the outputs of the code are valid ids
 * and statuses. */
void fuzz_require_answer(const lesson_store_operation *operation);

/* Checks the code of a batch and its operations. Each operation must have a code. */
void fuzz_require_answers(int code, const lesson_store_operation *operations, size_t count);

/* The context of the list callbacks here, which stop after `stop_after` entries. */
typedef struct fuzz_listener {
    uint64_t stop_after; /* 0: never */
    uint64_t heard;
    bool repairs; /* the call may repair */
} fuzz_listener;

bool fuzz_hear_member(const lesson_store_id *uid, void *context);
bool fuzz_hear_lesson(const lesson_store_lesson *lesson, void *context);
bool fuzz_hear_user(const lesson_store_user *user, void *context);
bool fuzz_hear_finding(const lesson_store_finding *finding, void *context);
bool fuzz_hear_fact(const char *name, const char *value, void *context);

/* Every reading call, on a store whose content is unknown. */
void fuzz_ask_everything(lesson_store *store, const char *uid, const char *lesson_id);

#endif
