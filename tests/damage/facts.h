/*
 * The stored data, or the findings, as a sorted list of facts of four byte strings each. So states and findings are
 * compared in the same way, whatever bytes the damage consists of.
 *
 *     a state      key, kind ("hash", "set", "user", ...), field or member, value
 *     a finding    lesson, kind, uid, verdict ("repairable" or "left")
 */
#ifndef LESSON_STORE_TESTS_FACTS_H
#define LESSON_STORE_TESTS_FACTS_H

#include <lessonstore/lessonstore.h>

enum { FACT_PARTS = 4, FACTS_TEXT_SIZE = 2400 };
enum { FACT_KEY, FACT_KIND, FACT_FIELD, FACT_VALUE };
enum { FINDING_LESSON, FINDING_KIND, FINDING_UID, FINDING_VERDICT };

typedef struct fact {
    lesson_store_id parts[FACT_PARTS];
    bool gone;
} fact;

typedef struct facts {
    fact *items;
    size_t count;
    size_t room;
} facts;

static inline lesson_store_id bytes_of(const char *data, size_t size) {
    return (lesson_store_id){data ? data : "", data ? size : 0};
}

bool bytes_equal(lesson_store_id a, lesson_store_id b);
bool bytes_are(lesson_store_id bytes, const char *text);

/* Copies the parts. Only facts_sort sorts the list; it also removes dropped facts. */
void facts_add(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c, lesson_store_id d);
void facts_sort(facts *list);
facts facts_copy(const facts *list);
void facts_free(facts *list);

/* Returns the first fact of a sorted list that begins with these parts. A part without data matches any. NULL: none. */
fact *facts_find(const facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c);

/* Drops all facts that begin with these parts. */
void facts_drop(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c);

/* These judge sorted lists. False: `text` names the first wrong fact. */
bool facts_equal(const facts *expected, const facts *found, char text[FACTS_TEXT_SIZE]);

/* True if `list` lacks none of `needed`. */
bool facts_hold(const facts *needed, const facts *list, char text[FACTS_TEXT_SIZE]);

/* True if `now` lies between the two: it contains what both have, and nothing that neither has. */
bool facts_between(const facts *from, const facts *to, const facts *now, char text[FACTS_TEXT_SIZE]);

#endif
