/*
 * What is stored, or what was found, as a sorted list of facts of four byte strings each: so states and findings are
 * compared by one means, whatever bytes damage has put there.
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

/* Copies the parts; the list is sorted only by facts_sort, which also drops what is gone. */
void facts_add(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c, lesson_store_id d);
void facts_sort(facts *list);
facts facts_copy(const facts *list);
void facts_free(facts *list);

/* Of a sorted list: the first fact with these parts in front, of which those without data are any; NULL: none. */
fact *facts_find(const facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c);

/* Marks all with these parts in front as gone. */
void facts_drop(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c);

/* These judge sorted lists. False: `text` names the first fact that is wrong. */
bool facts_equal(const facts *expected, const facts *found, char text[FACTS_TEXT_SIZE]);

/* True if `list` lacks none of `needed`. */
bool facts_hold(const facts *needed, const facts *list, char text[FACTS_TEXT_SIZE]);

/* True if `now` lies on the way from one to the other: what is in both is there, and all of it is in one of them. */
bool facts_between(const facts *from, const facts *to, const facts *now, char text[FACTS_TEXT_SIZE]);

#endif
