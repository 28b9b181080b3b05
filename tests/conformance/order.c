/*
 * Which steps may travel in one batch of a store that declares LESSON_STORE_EXCEPT_ORDER.
 *
 * In such a store an operation sees what earlier ones did that name the same user or the same lesson, and so what was
 * before these. But an operation also touches what it does not name: a join the lesson that the user leaves, and an end
 * the members of the lesson. If the answers of a test depend on the order of two steps that only meet there, the later
 * one begins another batch.
 */
#include "suite.h"

static bool is_same(const char *left, const char *right) {
    return left && right && strcmp(left, right) == 0;
}

static bool only_reads(const struct step *step) {
    return step->kind == LESSON_STORE_OPERATION_WHERE || step->kind == LESSON_STORE_OPERATION_GET_LESSON ||
           step->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS;
}

/* True if the step adds or removes a member, and asks for nothing that another such step of the lesson changes. */
static bool only_moves(const struct step *step) {
    return step->kind == LESSON_STORE_OPERATION_QUIT ||
           (step->kind == LESSON_STORE_OPERATION_JOIN && !(step->flags & LESSON_STORE_JOIN_IF_ROOM));
}

/* True if the later one of these sees what the earlier one did. */
static bool keep_their_order(const struct step *left, const struct step *right) {
    if (only_reads(left) && only_reads(right))
        return false;
    bool meet_in_lesson = !(only_moves(left) && only_moves(right));
    return is_same(left->uid, right->uid) || (meet_in_lesson && is_same(left->lesson_id, right->lesson_id));
}

/* The lesson that the user of this step leaves, or NULL. */
static const char *lesson_left(const struct step *step) {
    bool leaves = step->kind == LESSON_STORE_OPERATION_JOIN || step->kind == LESSON_STORE_OPERATION_QUIT;
    return leaves && step->code == LESSON_STORE_OK ? step->place.lesson_id : NULL;
}

/* True if an end, `step`, can put out the user of `other`: the answer of that one has the user in no other lesson. */
static bool can_put_out(const struct step *step, const struct step *other) {
    bool ends = step->kind == LESSON_STORE_OPERATION_END && !(step->flags & LESSON_STORE_END_RECORD_ONLY);
    return ends && other->uid && (!other->place.lesson_id || is_same(other->place.lesson_id, step->lesson_id));
}

/* True if `step` touches something of `other` that it does not name. */
static bool touches(const struct step *step, const struct step *other) {
    bool is_lease = step->kind == LESSON_STORE_OPERATION_HOLD && is_same(step->owner, other->owner);
    return is_lease || is_same(lesson_left(step), other->lesson_id) || can_put_out(step, other);
}

/* Whether each step before this one is sure to take effect before it: `before[i]` of the first `at` steps. */
static void find_before(bool *before, const struct step *steps, size_t at) {
    memset(before, 0, at * sizeof *before);
    for (size_t later = at + 1; later-- > 0;) {
        if (later < at && !before[later])
            continue;
        for (size_t i = 0; i < later; i++)
            before[i] = before[i] || keep_their_order(&steps[i], &steps[later]);
    }
}

static bool needs_order(const struct step *steps, size_t at, const bool *before) {
    for (size_t i = 0; i < at; i++) {
        if (!before[i] && (touches(&steps[i], &steps[at]) || touches(&steps[at], &steps[i])))
            return true;
    }
    return false;
}

size_t count_in_order(struct fixture *fixture, const struct step *steps, size_t count) {
    free(fixture->before);
    fixture->before = calloc(count, sizeof *fixture->before);
    if (!fixture->before)
        fail_test(fixture, "no memory for %zu steps", count);
    for (size_t at = 1; at < count; at++) {
        find_before(fixture->before, steps, at);
        if (needs_order(steps, at, fixture->before))
            return at;
    }
    return count;
}
