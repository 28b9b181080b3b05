/* The names of a model's numbers, and so the way between a model's calls and answers and a store's operations. */
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
} vocabulary;

/* Ids that others have stumbled over: spaces, colons, quotes, format strings, patterns, CJK, 255 bytes, and such as
 * differ only in case, in a space or in the last byte. */
extern const vocabulary awkward_vocabulary;

/* The operation of a call, whose answer goes to `place` where it tells one; it is marked, so that a place that is
 * written to although the answer tells none is heard as MODEL_STRANGER. */
lesson_store_operation vocabulary_ask(const vocabulary *words, const model_call *call, lesson_store_place *place);

/* The answer in an operation that has been run; `place` as above. */
model_answer vocabulary_hear(const vocabulary *words, const lesson_store_operation *operation);

/* Runs calls, at most VOCABULARY_BATCH_MAX, on a store as one batch, and puts the answers beside them. A place
 * that was written to although the answer tells none is a MODEL_STRANGER. Returns what lesson_store_batch returned. */
enum { VOCABULARY_BATCH_MAX = 300 };
int vocabulary_run(const vocabulary *words, lesson_store *store, const model_call *calls, size_t count,
                   model_answer *answers);

/* The number of a name, MODEL_NONE for "" or no name, MODEL_STRANGER if it is not among these. */
int vocabulary_number(const char *const *names, size_t count, lesson_store_id name);

/* Reads the whole state of a store into a model: by lessons, users and members, which must agree with get_lesson, count
 * and where. Returns OK; the code of the call that failed; or LESSON_STORE_MALFORMED if what the calls tell does not
 * fit together. Then `text` (VOCABULARY_TEXT_SIZE bytes) says what. */
enum { VOCABULARY_TEXT_SIZE = 1200 };
int vocabulary_read_state(const vocabulary *words, lesson_store *store, model_state *out,
                          char text[VOCABULARY_TEXT_SIZE]);

/* True if the two are equal, else `text` names the first difference. */
bool vocabulary_compare(const model_state *expected, const model_state *found, char text[VOCABULARY_TEXT_SIZE]);

#endif
