/* What any store may answer at all, whatever is beneath it: the words of lessonstore.h as conditions. */
#ifndef LESSON_STORE_FUZZ_ANSWERS_H
#define LESSON_STORE_FUZZ_ANSWERS_H

#include "fuzz.h"

/* A negative code is one of the failures, and has a message of one printable line. Positive ones are not looked at. */
void fuzz_require_code(int code);

/* An operation that was sent and answered: its code is one that its kind can have, and what belongs to the code holds
 * sound ids and statuses. */
void fuzz_require_answer(const lesson_store_operation *operation);

/* The code of a batch, and its operations, none of which may be without an answer. */
void fuzz_require_answers(int code, const lesson_store_operation *operations, size_t count);

/* What a stream gives; the context of these callbacks, which stop the stream after so many. */
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

/* Every call that only asks, on a store of which nothing is known. */
void fuzz_ask_everything(lesson_store *store, const char *uid, const char *lesson_id);

#endif
