#include "round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "draw.h"
#include "engine.h"
#include "vocabulary.h"

typedef struct round {
    dice_state dice;
    const side *side;
    lesson_store *store;
    damage_tally *tally;
    char *text;
    const char *location;
} round_state;

const side *round_side(void) {
#ifdef DAMAGE_REDIS
    if (strcmp(engine_name(), "redis") == 0)
        return &redis_side;
#endif
#ifdef DAMAGE_SQLITE
    if (strcmp(engine_name(), "sqlite") == 0)
        return &sqlite_side;
#endif
    fail_msg("%s has no raw side", engine_name());
    return NULL;
}

static bool wrong(round_state *round, const char *when, const char *what) {
    snprintf(round->text, ROUND_TEXT_SIZE, "%s: %s", when, what);
    return false;
}

/* ---- The state before the damage */

static void draw_sound_state(round_state *round) {
    const draw_range range = {MODEL_USERS, MODEL_LESSONS, MODEL_COURSES, MODEL_SESSIONS, 0, 0};
    model_call calls[VOCABULARY_BATCH_MAX];
    model_answer answers[VOCABULARY_BATCH_MAX];
    for (int i = 0; i < VOCABULARY_BATCH_MAX; i++)
        calls[i] = draw_call(&round->dice, &range);
    assert_int_equal(vocabulary_run(&awkward_vocabulary, round->store, calls, VOCABULARY_BATCH_MAX, answers), 0);
    round->tally->operations += VOCABULARY_BATCH_MAX;
}

/* More members than a page of keys (200), than a step of an end (500), than a page of members (2000). */
static void draw_large_lesson(round_state *round) {
    static const unsigned sizes[] = {210, 700, 2100, LARGE_MOST};
    if (!dice_once_in(&round->dice, 4))
        return;
    unsigned count = sizes[dice_below(&round->dice, 4)];
    lesson_store_operation *joins = calloc(count, sizeof *joins);
    char(*uids)[32] = calloc(count, sizeof *uids);
    assert_true(joins && uids);
    lesson_store_id lesson = lesson_store_id_of(awkward_vocabulary.lessons[dice_below(&round->dice, MODEL_LESSONS)]);
    for (unsigned i = 0; i < count; i++) {
        snprintf(uids[i], sizeof uids[i], LARGE_UID, i);
        joins[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        joins[i].uid = lesson_store_id_of(uids[i]);
        joins[i].course_id = lesson_store_id_of("C");
        joins[i].lesson_id = lesson;
    }
    assert_int_equal(lesson_store_batch(round->store, joins, count), LESSON_STORE_OK);
    round->tally->operations += count;
    free(joins);
    free(uids);
}

static void count_damage(damage_tally *tally, const char *name) {
    size_t i = 0;
    while (i < DAMAGE_KINDS_MAX - 1 && tally->kinds[i].name && strcmp(tally->kinds[i].name, name) != 0)
        i++;
    tally->kinds[i].name = name;
    tally->kinds[i].count++;
    tally->damages++;
}

/* ---- Check and repair */

bool hear_finding(const lesson_store_finding *finding, void *context) {
    check_hearing *hearing = context;
    side_find(&hearing->findings, (int)finding->kind, finding->lesson_id, finding->uid, finding->repairable);
    hearing->reported++;
    hearing->repaired += finding->repaired;
    return hearing->reported != hearing->stop_after;
}

/* Every finding is as expected, and counted. A repair reports repaired for all that it can repair, a check for none. */
static bool check(round_state *round, const char *when, uint32_t flags, const facts *expected) {
    check_hearing hearing = {.findings = {NULL, 0, 0}};
    uint64_t found = 0, repaired = 0, repairable = 0;
    char why[FACTS_TEXT_SIZE] = "";
    int code = lesson_store_check(round->store, flags, hear_finding, &hearing, &found, &repaired);
    round->tally->operations++;
    facts_sort(&hearing.findings);
    for (size_t i = 0; i < expected->count; i++)
        repairable += bytes_are(expected->items[i].parts[FINDING_VERDICT], "repairable");
    uint64_t due = flags & LESSON_STORE_CHECK_REPAIR ? repairable : 0;
    bool sound = true;
    if (code)
        sound = wrong(round, when, lesson_store_message());
    else if (!facts_equal(expected, &hearing.findings, why))
        sound = wrong(round, when, why);
    else if (found != hearing.reported || repaired != hearing.repaired || repaired != due)
        sound = wrong(round, when, "the figures are not those of the findings");
    round->tally->compared += expected->count;
    round->tally->repaired += repaired;
    facts_free(&hearing.findings);
    return sound;
}

static bool is_unchanged(round_state *round, const facts *before, const char *when) {
    facts after = round->side->read();
    char why[FACTS_TEXT_SIZE] = "";
    bool sound = facts_equal(before, &after, why) || wrong(round, when, why);
    facts_free(&after);
    return sound;
}

static bool lessonctl_finds(round_state *round, bool ended, const facts *findings) {
    facts printed = {NULL, 0, 0};
    char why[FACTS_TEXT_SIZE] = "";
    round->tally->operations++;
    round->tally->compared += findings->count;
    bool sound = (ask_lessonctl(round->location, ended, &printed, why) && facts_equal(findings, &printed, why)) ||
                 wrong(round, "repair --dry-run", why);
    facts_free(&printed);
    return sound;
}

/* Without REPAIR: the library and lessonctl report the findings and change nothing. */
static bool check_only(round_state *round, bool ended) {
    facts before = round->side->read();
    facts findings = {NULL, 0, 0}, target;
    round->side->judge(&before, ended, &findings, &target);
    bool sound = check(round, "check", ended ? LESSON_STORE_CHECK_ENDED : 0, &findings) &&
                 is_unchanged(round, &before, "changed by a check");
    if (sound && dice_once_in(&round->dice, 4))
        sound = lessonctl_finds(round, ended, &findings) && is_unchanged(round, &before, "changed by repair --dry-run");
    facts_free(&before);
    facts_free(&findings);
    facts_free(&target);
    return sound;
}

/* A repair that the callback stops. It may have repaired any part, and has changed nothing else. */
static bool repair_in_part(round_state *round, bool ended) {
    facts before = round->side->read();
    facts findings = {NULL, 0, 0}, target;
    char why[FACTS_TEXT_SIZE] = "";
    round->side->judge(&before, ended, &findings, &target);
    check_hearing hearing = {.findings = {NULL, 0, 0}, .stop_after = 1 + dice_below(&round->dice, 20)};
    uint64_t due = findings.count < hearing.stop_after ? findings.count : hearing.stop_after;
    int code = lesson_store_check(round->store, LESSON_STORE_CHECK_REPAIR | (ended ? LESSON_STORE_CHECK_ENDED : 0),
                                  hear_finding, &hearing, NULL, NULL);
    round->tally->operations++;
    round->tally->repaired += hearing.repaired;
    facts after = round->side->read();
    facts kept = round->side->keep(&before, ended);
    bool sound = true;
    if (code)
        sound = wrong(round, "stopped repair", lesson_store_message());
    else if (hearing.reported != due)
        sound = wrong(round, "stopped repair", "it reported more or fewer findings than until it was stopped");
    else if (!facts_hold(&kept, &after, why))
        sound = wrong(round, "a true member", why);
    else if (!facts_between(&before, &target, &after, why))
        sound = wrong(round, "stopped repair", why);
    facts_free(&before);
    facts_free(&after);
    facts_free(&kept);
    facts_free(&findings);
    facts_free(&target);
    facts_free(&hearing.findings);
    return sound;
}

static bool repair(round_state *round, bool ended) {
    uint32_t flags = ended ? LESSON_STORE_CHECK_ENDED : 0;
    facts before = round->side->read();
    facts findings = {NULL, 0, 0}, rest = {NULL, 0, 0}, target, same;
    char why[FACTS_TEXT_SIZE] = "";
    round->side->judge(&before, ended, &findings, &target);
    facts kept = round->side->keep(&before, ended);
    bool sound = check(round, "repair", flags | LESSON_STORE_CHECK_REPAIR, &findings);
    facts after = round->side->read();
    if (sound && !facts_hold(&kept, &after, why))
        sound = wrong(round, "a true member", why);
    if (sound && !facts_equal(&target, &after, why))
        sound = wrong(round, "after the repair", why);
    round->side->judge(&after, ended, &rest, &same);
    for (size_t i = 0; sound && i < rest.count; i++) {
        if (!bytes_are(rest.items[i].parts[FINDING_VERDICT], "left"))
            sound = wrong(round, "repairable after the repair", rest.items[i].parts[FINDING_KIND].data);
    }
    sound = sound && check(round, "check after repair", flags, &rest);
    facts_free(&before);
    facts_free(&after);
    facts_free(&kept);
    facts_free(&findings);
    facts_free(&rest);
    facts_free(&target);
    facts_free(&same);
    return sound;
}

static bool play(round_state *round) {
    draw_sound_state(round);
    draw_large_lesson(round);
    if (!check_only(round, dice_once_in(&round->dice, 2)))
        return false;
    for (unsigned left = 1 + dice_below(&round->dice, 60); left > 0; left--)
        count_damage(round->tally, round->side->damage(&round->dice));
    bool ended = dice_once_in(&round->dice, 2);
    bool sound = check_only(round, false) && check_only(round, true);
    if (sound && dice_once_in(&round->dice, 3))
        sound = repair_in_part(round, dice_once_in(&round->dice, 2));
    return sound && repair(round, ended);
}

bool play_round(uint64_t seed, const lesson_store_backend *backend, damage_tally *tally, char text[ROUND_TEXT_SIZE]) {
    round_state round = {.dice = {seed}, .side = round_side(), .tally = tally, .text = text};
    round.location = engine_make();
    int code = backend ? lesson_store_open_with(&round.store, backend, round.location)
                       : lesson_store_open(&round.store, round.location);
    assert_int_equal(code, LESSON_STORE_OK);
    round.side->connect();
    text[0] = '\0';
    bool sound = play(&round);
    round.side->disconnect();
    lesson_store_close(round.store);
    engine_remove();
    return sound;
}
