/* Names for a model's numbers. They translate a model's calls and answers into a store's operations and back. */
#ifndef LESSON_STORE_TESTS_VOCABULARY_H
#define LESSON_STORE_TESTS_VOCABULARY_H

#include <stddef.h>

#include <lessonstore/lessonstore.h>

#include "model.h"

typedef struct vocabulary {
    const char *users[MODEL_USERS];
    const char *lessons[MODEL_LESSONS];
    const char *courses[MODEL_COURSES];
    const char *sessions[MODEL_SESSIONS];
    const char *owners[MODEL_OWNERS];
} vocabulary;

/* Ids that have caused trouble elsewhere: spaces, colons, quotes, format strings, patterns, CJK, 255 bytes, and ids
 * that differ only in case, in a space or in the last byte. */
extern const vocabulary awkward_vocabulary;

/* Returns the operation of a call. If its answer has a place, it goes to `place`. The place is marked first. If it is
 * written although the answer has no place, it reads as MODEL_STRANGER. */
lesson_store_operation vocabulary_ask(const vocabulary *words, const model_call *call, lesson_store_place *place);

/* Returns the answer in an operation that has run; `place` as above. */
model_answer vocabulary_hear(const vocabulary *words, const lesson_store_operation *operation);

/* Runs at most VOCABULARY_BATCH_MAX calls on a store as one batch, and stores the answers. A place that was written
 * although the answer has none is a MODEL_STRANGER. Returns what lesson_store_batch returned. */
enum { VOCABULARY_BATCH_MAX = 300 };
int vocabulary_run(const vocabulary *words, lesson_store *store, const model_call *calls, size_t count,
                   model_answer *answers);

/* Returns the number of a name. MODEL_NONE for "" or no name, MODEL_STRANGER if it is not among these. */
int vocabulary_number(const char *const *names, size_t count, lesson_store_id name);

/* The models of a lesson and of a user that a store lists. */
model_lesson vocabulary_lesson(const vocabulary *words, const lesson_store_lesson *lesson);
model_user vocabulary_user(const vocabulary *words, const lesson_store_user *user);

/* Reads the whole state of a store into a model: through the lists of lessons, users and members, which must agree with
 * get_lesson, count and where. Returns OK, the code of the call that failed, or LESSON_STORE_MALFORMED if the results
 * contradict each other. After a failure `text` (VOCABULARY_TEXT_SIZE bytes) explains it. */
enum { VOCABULARY_TEXT_SIZE = 1200 };
int vocabulary_read_state(const vocabulary *words, lesson_store *store, model_state *out,
                          char text[VOCABULARY_TEXT_SIZE]);

/* True if both are equal. Otherwise `text` names the first difference. */
bool vocabulary_compare(const model_state *expected, const model_state *found, char text[VOCABULARY_TEXT_SIZE]);

#endif
