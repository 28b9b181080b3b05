/*
 * The stages of an operation. A user moves by the protocol "versioned membership" (README.md): INSPECT, ADD to the
 * members of the new lesson, COMMIT if the version is still that of INSPECT, REMOVE from the members of all lessons
 * that the user is not in. A RECHECK follows each removal, because a program that knows no versions may have added the
 * user meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../redis/failure.h"
#include "asks.h"
#include "stages.h"

/* ---- Beginning */

int cluster_workshop_open(cluster_workshop *workshop, redis_store *redis) {
    unsigned char bytes[8];
    workshop->redis = redis;
    workshop->serial = 0;
    workshop->common_slot = cluster_write_common_prefix(workshop->common, redis->settings.prefix);
    int code = lesson_store_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(workshop->nonce + 2 * i, 3, "%02x", bytes[i]);
    return code;
}

static void name_operation(cluster_machine *machine) {
    machine->workshop->serial++;
    snprintf(machine->id, sizeof machine->id, "%s.%" PRIu64, machine->workshop->nonce, machine->workshop->serial);
    machine->was_lost = false;
}

static cluster_ask *ask(cluster_machine *machine, cluster_ask_kind kind) {
    cluster_ask *added = &machine->asks[machine->ask_count++];
    added->kind = kind;
    added->lesson[0] = '\0';
    return added;
}

static void ask_of(cluster_machine *machine, cluster_ask_kind kind, const char *lesson) {
    snprintf(ask(machine, kind)->lesson, LESSON_STORE_ID_MAX + 1, "%s", lesson);
}

static void enter(cluster_machine *machine, cluster_stage stage) {
    machine->stage = stage;
    machine->ask_count = 0;
}

static bool joins(const cluster_machine *machine) {
    return cluster_machine_is_of(machine, LESSON_STORE_OPERATION_JOIN);
}

static bool sweeps(const cluster_machine *machine) {
    return cluster_machine_is_of(machine, LESSON_STORE_OPERATION_QUIT) && machine->operation->owner.data;
}

static void inspect(cluster_machine *machine) {
    const lesson_store_operation *operation = machine->operation;
    enter(machine, CLUSTER_STAGE_INSPECT);
    machine->floor = 0;
    ask(machine, CLUSTER_ASK_INSPECT);
    if (!joins(machine))
        return;
    if (lesson_store_join_needs_lesson(operation))
        ask(machine, CLUSTER_ASK_RECORD);
    if (operation->flags & LESSON_STORE_JOIN_IF_ROOM)
        ask(machine, CLUSTER_ASK_COUNT);
    if (operation->owner.data)
        ask(machine, CLUSTER_ASK_OWNER);
}

static void begin_once(cluster_machine *machine) {
    enter(machine, CLUSTER_STAGE_ONCE);
    if (cluster_machine_is_of(machine, LESSON_STORE_OPERATION_GET_LESSON)) {
        ask(machine, CLUSTER_ASK_RECORD);
        ask(machine, CLUSTER_ASK_COUNT);
    } else if (cluster_machine_is_of(machine, LESSON_STORE_OPERATION_END)) {
        ask(machine, CLUSTER_ASK_UNLINK_RECORD);
    } else {
        ask(machine, CLUSTER_ASK_PLAIN);
    }
}

void cluster_machine_begin(cluster_machine *machine, cluster_workshop *workshop, lesson_store_operation *operation) {
    *machine = (cluster_machine){.workshop = workshop, .operation = operation};
    name_operation(machine);
    if (joins(machine) || cluster_machine_is_of(machine, LESSON_STORE_OPERATION_QUIT)) {
        inspect(machine);
    } else if (cluster_machine_is_of(machine, LESSON_STORE_OPERATION_BAN)) {
        enter(machine, CLUSTER_STAGE_BAN);
        ask(machine, CLUSTER_ASK_BAN);
    } else {
        begin_once(machine);
    }
}

/* ---- Answers */

static void answer_malformed(cluster_machine *machine) {
    const redis_settings *settings = &machine->workshop->redis->settings;
    lesson_store_id id = machine->operation->lesson_id;
    cluster_machine_answer(machine, lesson_store_fail(LESSON_STORE_MALFORMED,
                                                      "%s: %s" REDIS_RECORD "%.*s holds an invalid value",
                                                      settings->shown, settings->prefix, (int)id.size, id.data));
}

static void answer_place(const cluster_machine *machine, const lesson_store_place *place) {
    if (machine->operation->place)
        *machine->operation->place = *place;
}

static void answer_nowhere(const cluster_machine *machine) {
    static const lesson_store_place nowhere;
    answer_place(machine, &nowhere);
}

static bool is_id(lesson_store_id id, const char *text) {
    return id.size == strlen(text) && memcmp(id.data, text, id.size) == 0;
}

/* ---- Failures */

/* The user is banned, and was to be taken out too. */
static bool has_banned(const cluster_machine *machine) {
    return cluster_machine_is_of(machine, LESSON_STORE_OPERATION_BAN) && machine->stage != CLUSTER_STAGE_BAN;
}

/* What the operation is about is written by this request. The others prepare it, or clean up. */
static bool decides(const cluster_machine *machine, size_t i) {
    cluster_ask_kind kind = machine->asks[i].kind;
    return kind == CLUSTER_ASK_COMMIT || kind == CLUSTER_ASK_EVICT || !cluster_machine_may_repeat(machine, i);
}

/* Once the operation has its answer, what cannot be cleaned up is left to a repair. */
void cluster_machine_fail(cluster_machine *machine, size_t i, int code, bool was_lost) {
    bool is_commit = machine->asks[i].kind == CLUSTER_ASK_COMMIT;
    machine->has_failed = true;
    if (machine->outcome == CLUSTER_OUTCOME_ANSWERED)
        return;
    if (decides(machine, i) && (was_lost || (is_commit && machine->was_lost)))
        code = LESSON_STORE_UNKNOWN;
    if (has_banned(machine))
        code = LESSON_STORE_UNKNOWN;
    cluster_machine_answer(machine, code);
}

/* The script can have written before it failed. If a command of a script is denied, those of records have done nothing
 * that counts, or say so themselves. */
static bool is_half_done(const cluster_machine *machine, size_t i, lesson_store_id error) {
    cluster_ask_kind kind = machine->asks[i].kind;
    bool has_several_writes = kind == CLUSTER_ASK_COMMIT || kind == CLUSTER_ASK_EVICT;
    return decides(machine, i) &&
           (redis_failure_is_of_lua(error) || (has_several_writes && redis_failure_is_denied_within(error)));
}

static void fail_with(cluster_machine *machine, size_t i, redis_reply *reply, bool was_lost) {
    const redis_settings *settings = &machine->workshop->redis->settings;
    lesson_store_id error = redis_reply_line(reply);
    int code = is_half_done(machine, i, error) ? LESSON_STORE_UNKNOWN : redis_failure_code(error);
    lesson_store_fail(code, "%s: %.*s", settings->shown, (int)error.size, error.data);
    cluster_machine_fail(machine, i, code, was_lost);
}

void cluster_machine_take(cluster_machine *machine, size_t i, redis_reply *reply, bool was_lost) {
    if (reply->is_error) {
        fail_with(machine, i, reply, was_lost);
    } else if (!cluster_machine_read(machine, i, reply, was_lost)) {
        const redis_settings *settings = &machine->workshop->redis->settings;
        lesson_store_fail(LESSON_STORE_FAILED, "%s: the server's reply is malformed", settings->shown);
        cluster_machine_fail(machine, i, decides(machine, i) ? LESSON_STORE_UNKNOWN : LESSON_STORE_FAILED, was_lost);
    }
}

/* ---- Cleaning up */

static bool is_asked_for(const cluster_machine *machine, const char *lesson) {
    for (size_t i = 0; i < machine->ask_count; i++) {
        if (strcmp(machine->asks[i].lesson, lesson) == 0)
            return true;
    }
    return false;
}

static void remove_from(cluster_machine *machine, const char *lesson) {
    if (*lesson && strcmp(lesson, machine->now) != 0 && !is_asked_for(machine, lesson))
        ask_of(machine, CLUSTER_ASK_REMOVE, lesson);
}

/* Removes the user from the members of all lessons that this operation knows of, except the one that the user is in.
 * Returns true if there is anything to do. */
static bool clean_up(cluster_machine *machine) {
    char lesson[LESSON_STORE_ID_MAX + 1] = "";
    enter(machine, CLUSTER_STAGE_REMOVE);
    machine->is_removed = false;
    if (joins(machine) && machine->has_intent)
        lesson_store_id_copy(lesson, machine->operation->lesson_id);
    remove_from(machine, machine->left);
    remove_from(machine, machine->before);
    remove_from(machine, lesson);
    return machine->ask_count > 0;
}

static void ask_owner_again(cluster_machine *machine) {
    enter(machine, CLUSTER_STAGE_OWNER);
    ask(machine, CLUSTER_ASK_OWNER);
}

/* The operation is done, or begins anew. */
static bool finish(cluster_machine *machine) {
    if (machine->outcome != CLUSTER_OUTCOME_AGAIN)
        return false;
    machine->outcome = CLUSTER_OUTCOME_OPEN;
    machine->has_intent = false;
    name_operation(machine);
    inspect(machine);
    return true;
}

/* An owner can be over since it was asked for. Then a sweep may have gone by already, so this operation does what the
 * sweep would have done. */
static bool settle(cluster_machine *machine) {
    bool has_joined = machine->committed > 0 && machine->operation->owner.data;
    if (!has_joined)
        return finish(machine);
    lesson_store_id_copy(machine->left, machine->operation->lesson_id);
    ask_owner_again(machine);
    return true;
}

static bool after_commit(cluster_machine *machine) {
    return clean_up(machine) || settle(machine);
}

static bool after_remove(cluster_machine *machine) {
    if (!machine->is_removed)
        return settle(machine);
    enter(machine, CLUSTER_STAGE_RECHECK);
    machine->floor = 0;
    ask(machine, CLUSTER_ASK_INSPECT);
    return true;
}

/* The lessons that REMOVE was sent for are those that clean_up would name now, and `now` was not among them. */
static bool was_removed_from(const cluster_machine *machine, const char *lesson) {
    bool is_own = joins(machine) && is_id(machine->operation->lesson_id, lesson);
    return *lesson && strcmp(lesson, machine->now) != 0 &&
           (is_own || strcmp(lesson, machine->before) == 0 || strcmp(lesson, machine->left) == 0);
}

static bool after_recheck(cluster_machine *machine) {
    if (!was_removed_from(machine, machine->place.lesson_id))
        return settle(machine);
    char lesson[LESSON_STORE_ID_MAX + 1];
    snprintf(lesson, sizeof lesson, "%s", machine->place.lesson_id);
    enter(machine, CLUSTER_STAGE_READD);
    ask_of(machine, CLUSTER_ASK_ADD, lesson);
    return true;
}

/* ---- Joining and quitting */

uint64_t cluster_version_to_add(const cluster_machine *machine) {
    return machine->stage == CLUSTER_STAGE_READD ? machine->version : machine->version + 1;
}

uint64_t cluster_capacity_to_keep(const cluster_machine *machine) {
    bool counts = machine->stage == CLUSTER_STAGE_ADD && machine->operation->flags & LESSON_STORE_JOIN_IF_ROOM &&
                  !machine->is_member;
    return counts ? machine->lesson.capacity : 0;
}

/* A refusal leaves nothing behind. The user can still be among the members from an attempt before. */
static bool leave(cluster_machine *machine) {
    snprintf(machine->now, sizeof machine->now, "%s", machine->place.lesson_id);
    machine->left[0] = machine->before[0] = '\0';
    machine->version_now = machine->version;
    return machine->has_intent && clean_up(machine);
}

static bool refuse(cluster_machine *machine, int code) {
    answer_place(machine, &machine->place);
    cluster_machine_answer(machine, code);
    return leave(machine);
}

static bool refuse_by(cluster_machine *machine, uint32_t flag) {
    machine->operation->refused_by = flag;
    if (flag == LESSON_STORE_JOIN_IF_ROOM)
        machine->operation->count = machine->lesson.member_count;
    return refuse(machine, LESSON_STORE_REFUSED);
}

static lesson_store_standing standing_of(const cluster_machine *machine) {
    if (!machine->is_somewhere)
        return LESSON_STORE_STANDING_NOWHERE;
    return machine->is_member ? LESSON_STORE_STANDING_MEMBER : LESSON_STORE_STANDING_ELSEWHERE;
}

static bool add(cluster_machine *machine) {
    char lesson[LESSON_STORE_ID_MAX + 1];
    lesson_store_id_copy(lesson, machine->operation->lesson_id);
    enter(machine, CLUSTER_STAGE_ADD);
    ask_of(machine, CLUSTER_ASK_ADD, lesson);
    return true;
}

static bool judge_join(cluster_machine *machine) {
    const lesson_store_operation *join = machine->operation;
    machine->is_member = machine->is_somewhere && is_id(join->lesson_id, machine->place.lesson_id);
    lesson_store_standing standing = standing_of(machine);
    if (!lesson_store_join_expects(join, standing, redis_given(lesson_store_id_of(machine->place.session))))
        return refuse(machine, LESSON_STORE_CONFLICT);
    if (lesson_store_join_needs_lesson(join) && !machine->is_valid) {
        answer_malformed(machine);
        return leave(machine);
    }
    uint32_t flag = lesson_store_admit(join, &machine->lesson, standing, machine->is_banned);
    if (!flag && join->owner.data && !machine->holds)
        flag = LESSON_STORE_JOIN_BY_OWNER;
    return flag ? refuse_by(machine, flag) : add(machine);
}

static bool commit(cluster_machine *machine) {
    snprintf(machine->left, sizeof machine->left, "%s", machine->place.lesson_id);
    enter(machine, CLUSTER_STAGE_COMMIT);
    ask(machine, CLUSTER_ASK_COMMIT);
    return true;
}

/* EVICT names the join that INSPECT has found. So whoever joins again by a new life of the owner stays. */
static bool judge_sweep(cluster_machine *machine) {
    if (!machine->is_somewhere || !is_id(machine->operation->owner, machine->place.owner)) {
        cluster_machine_answer(machine, LESSON_STORE_NOT_FOUND);
        return false;
    }
    machine->committed = machine->version;
    snprintf(machine->left, sizeof machine->left, "%s", machine->place.lesson_id);
    ask_owner_again(machine);
    return true;
}

static bool judge_quit(cluster_machine *machine) {
    const lesson_store_operation *quit = machine->operation;
    bool is_kick = cluster_machine_is_of(machine, LESSON_STORE_OPERATION_BAN);
    if (sweeps(machine))
        return judge_sweep(machine);
    if (is_kick && (!machine->is_somewhere || !is_id(quit->lesson_id, machine->place.lesson_id))) {
        answer_nowhere(machine);
        machine->operation->count = 0;
        cluster_machine_answer(machine, LESSON_STORE_OK);
        return false;
    }
    if (!machine->is_somewhere) {
        cluster_machine_answer(machine, LESSON_STORE_NOT_FOUND);
        return false;
    }
    if ((!is_kick && quit->lesson_id.data && !is_id(quit->lesson_id, machine->place.lesson_id)) ||
        (quit->session.data && !is_id(quit->session, machine->place.session)))
        return refuse(machine, LESSON_STORE_CONFLICT);
    return commit(machine);
}

/* With a floor, INSPECT was a fence: the ADD was stale, or may still arrive, and the version is high enough now. */
static bool after_inspect(cluster_machine *machine) {
    bool was_fence = machine->floor > 0;
    machine->floor = 0;
    if (was_fence) {
        inspect(machine);
        return true;
    }
    return joins(machine) ? judge_join(machine) : judge_quit(machine);
}

static bool after_add(cluster_machine *machine) {
    if (machine->floor > 0) {
        enter(machine, CLUSTER_STAGE_INSPECT);
        ask(machine, CLUSTER_ASK_INSPECT);
        return true;
    }
    return machine->is_full ? refuse_by(machine, LESSON_STORE_JOIN_IF_ROOM) : commit(machine);
}

static void answer_join(cluster_machine *machine) {
    bool was_in = machine->commit == CLUSTER_COMMIT_REPEATED ? machine->is_somewhere : machine->was_somewhere;
    machine->committed = machine->version_now;
    if (was_in)
        answer_place(machine, &machine->place);
    else
        answer_nowhere(machine);
    machine->operation->arrival = !was_in              ? LESSON_STORE_ARRIVAL_NEW
                                  : machine->is_member ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                                       : LESSON_STORE_ARRIVAL_MOVED;
    cluster_machine_answer(machine, LESSON_STORE_OK);
}

/* Another program can have taken the user out since INSPECT. */
static void answer_quit(cluster_machine *machine) {
    bool is_kick = cluster_machine_is_of(machine, LESSON_STORE_OPERATION_BAN);
    bool was_in = machine->commit == CLUSTER_COMMIT_REPEATED || machine->was_somewhere;
    if (is_kick)
        machine->operation->count = was_in;
    if (was_in)
        answer_place(machine, &machine->place);
    else if (is_kick)
        answer_nowhere(machine);
    cluster_machine_answer(machine, was_in || is_kick ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
}

static void answer_unknown(cluster_machine *machine) {
    const redis_settings *settings = &machine->workshop->redis->settings;
    cluster_machine_answer(
        machine, lesson_store_fail(LESSON_STORE_UNKNOWN,
                                   "%s: a reply was lost, and another operation of the user came after: it may or may "
                                   "not have been applied before that one",
                                   settings->shown));
}

static bool after_commit_reply(cluster_machine *machine) {
    switch (machine->commit) {
    case CLUSTER_COMMIT_FENCED:
        machine->was_lost = false; /* no copy of it was or will be applied */
        inspect(machine);
        return true;
    case CLUSTER_COMMIT_DONE:
    case CLUSTER_COMMIT_REPEATED:
        if (joins(machine))
            answer_join(machine);
        else
            answer_quit(machine);
        break;
    default:
        if (machine->was_lost)
            answer_unknown(machine);
        else
            machine->outcome = CLUSTER_OUTCOME_AGAIN;
    }
    return after_commit(machine);
}

static bool after_ban(cluster_machine *machine) {
    if (machine->lesson.has_record)
        machine->operation->count = 0;
    if (machine->lesson.has_record && machine->operation->flags & LESSON_STORE_BAN_KICK) {
        inspect(machine);
        return true;
    }
    if (machine->lesson.has_record)
        answer_nowhere(machine);
    cluster_machine_answer(machine, machine->lesson.has_record ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    return false;
}

static bool after_owner(cluster_machine *machine) {
    if (machine->holds && sweeps(machine))
        cluster_machine_answer(machine, LESSON_STORE_NOT_FOUND);
    if (machine->holds)
        return finish(machine);
    enter(machine, CLUSTER_STAGE_EVICT);
    ask_of(machine, CLUSTER_ASK_EVICT, machine->left);
    return true;
}

static bool after_evict(cluster_machine *machine) {
    machine->committed = 0;
    machine->before[0] = '\0';
    if (sweeps(machine)) {
        answer_place(machine, &machine->place);
        cluster_machine_answer(machine, machine->is_evicted ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    }
    return clean_up(machine) || finish(machine);
}

/* ---- Once */

static void answer_lesson(cluster_machine *machine) {
    lesson_store_lesson *lesson = &machine->operation->lesson;
    bool is_there = machine->lesson.has_record || machine->lesson.member_count > 0;
    if (is_there && !machine->is_valid) {
        answer_malformed(machine);
        return;
    }
    if (is_there) {
        lesson_store_id course = lesson->course_id;
        *lesson = machine->lesson;
        lesson->course_id = course;
        lesson->lesson_id = machine->operation->lesson_id;
    }
    cluster_machine_answer(machine, is_there ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
}

bool cluster_machine_next(cluster_machine *machine) {
    if (machine->has_failed)
        return false;
    switch (machine->stage) {
    case CLUSTER_STAGE_ONCE:
        if (cluster_machine_is_of(machine, LESSON_STORE_OPERATION_GET_LESSON))
            answer_lesson(machine);
        return false;
    case CLUSTER_STAGE_BAN:
        return after_ban(machine);
    case CLUSTER_STAGE_INSPECT:
        return after_inspect(machine);
    case CLUSTER_STAGE_ADD:
        return after_add(machine);
    case CLUSTER_STAGE_COMMIT:
        return after_commit_reply(machine);
    case CLUSTER_STAGE_REMOVE:
        return after_remove(machine);
    case CLUSTER_STAGE_RECHECK:
        return after_recheck(machine);
    case CLUSTER_STAGE_READD:
        return settle(machine);
    case CLUSTER_STAGE_OWNER:
        return after_owner(machine);
    case CLUSTER_STAGE_EVICT:
        return after_evict(machine);
    }
    return false;
}
