/* An engine seen without the library: its raw state, ways to damage it, and what check and repair must make of the
 * damage. */
#ifndef LESSON_STORE_TESTS_SIDE_H
#define LESSON_STORE_TESTS_SIDE_H

#include "dice.h"
#include "facts.h"

typedef struct side {
    /* Call them between engine_make and engine_remove, after a store was opened once. */
    void (*connect)(void);
    void (*disconnect)(void);

    /* All stored data, sorted. */
    facts (*read)(void);

    /* Makes one random piece of damage. Returns the name of its kind. */
    const char *(*damage)(dice_state *dice);

    /* What check must find in this state, and what a repair must leave. Both lists are empty before and sorted after.
     */
    void (*judge)(const facts *state, bool ended, facts *findings, facts *target);

    /* What no repair may remove: the records and memberships of true members. */
    facts (*keep)(const facts *state, bool ended);

    /* For damage during traffic. The first makes `uid`, who may be in any lesson, a ghost in this one. The second makes
     * a user record without a membership; nobody else uses its `uid`. */
    void (*add_ghost)(const char *uid, const char *lesson_id);
    void (*add_missing)(const char *uid, const char *lesson_id);

    /* Removes a uid from a lesson's members, whatever the user record says: what no repair may do. */
    void (*remove_member)(const char *uid, const char *lesson_id);

    /* The same for the first membership that must be kept, if there is one. */
    void (*remove_kept)(const facts *kept);
} side;

#ifdef DAMAGE_REDIS
extern const side redis_side;
#endif
#ifdef DAMAGE_SQLITE
extern const side sqlite_side;
#endif

/* Names for damage: known names of the awkward vocabulary and of large lessons, strangers, and bytes that are no id. */
lesson_store_id side_draw_uid(dice_state *dice);
lesson_store_id side_draw_lesson(dice_state *dice);
lesson_store_id side_draw_wrong(dice_state *dice);

/* Users of large lessons are named LARGE_UID with a number below LARGE_MOST. */
#define LARGE_UID "large-%u"
enum { LARGE_MOST = 2600 };

static inline void side_find(facts *findings, int kind, lesson_store_id lesson, lesson_store_id uid, bool repairable) {
    facts_add(findings, lesson, lesson_store_id_of(lesson_store_finding_text(kind)), uid,
              lesson_store_id_of(repairable ? "repairable" : "left"));
}

#endif
