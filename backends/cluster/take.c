/* What a machine learns from each reply. */
#include <stdio.h>

#include "../redis/apply.h"
#include "replies.h"
#include "stages.h"

static bool take_inspect(cluster_machine *machine, redis_reply *reply) {
    cluster_whereabouts found;
    if (!cluster_read_inspect(reply, &found))
        return false;
    lesson_store_place *place = &machine->place;
    *place = (lesson_store_place){.joined_ms = found.user.joined_ms};
    lesson_store_id_copy(place->course_id, redis_valid_or_none(found.user.course_id));
    lesson_store_id_copy(place->lesson_id, redis_valid_or_none(found.user.lesson_id));
    lesson_store_id_copy(place->session, redis_valid_or_none(found.user.session));
    lesson_store_id_copy(place->owner, redis_valid_or_none(found.user.owner));
    machine->is_somewhere = found.lesson.size > 0;
    machine->version = found.version;
    snprintf(machine->last, sizeof machine->last, "%.*s", (int)found.last.size, found.last.data);
    return true;
}

static bool take_commit(cluster_machine *machine, redis_reply *reply, bool was_lost) {
    cluster_committed committed;
    if (!cluster_read_commit(reply, &committed))
        return false;
    machine->was_lost = machine->was_lost || was_lost;
    machine->commit = committed.commit;
    machine->version_now = committed.version;
    machine->was_somewhere = committed.before.size > 0;
    lesson_store_id_copy(machine->now, redis_valid_or_none(redis_given(committed.now)));
    lesson_store_id_copy(machine->before, redis_valid_or_none(redis_given(committed.before)));
    return true;
}

/* If a request that was sent again finds the lesson full, the first one may still arrive and find room. So that it adds
 * nobody for good, the user counts as added, and INSPECT raises the version above it. */
static bool take_add(cluster_machine *machine, redis_reply *reply, bool was_lost) {
    cluster_added added;
    if (!cluster_read_add(reply, &added))
        return false;
    machine->is_full = added.is_full;
    bool may_come = added.is_full && was_lost;
    machine->floor = may_come ? machine->version + 1 : added.version;
    machine->has_intent = machine->has_intent || added.is_added || may_come;
    machine->lesson.member_count = added.is_full ? added.count : machine->lesson.member_count;
    return true;
}

static bool take_remove(cluster_machine *machine, redis_reply *reply) {
    int64_t removed;
    if (!redis_reply_next_number(reply, &removed) || !redis_reply_at_end(reply))
        return false;
    machine->is_removed = machine->is_removed || removed > 0;
    return true;
}

/* With NOT_FOUND the operation keeps what it holds, so the course is written only once it is certain that the lesson is
 * there. The record and the number of members come in any order. */
static void answer_course(cluster_machine *machine, lesson_store_id course_id) {
    bool is_there = machine->lesson.has_record || machine->lesson.member_count > 0;
    if (is_there && cluster_machine_is_of(machine, LESSON_STORE_OPERATION_GET_LESSON))
        lesson_store_answer_course(machine->operation, course_id);
}

static bool take_record(cluster_machine *machine, redis_reply *reply) {
    cluster_record record;
    uint64_t count = machine->lesson.member_count;
    if (!cluster_read_record(reply, &record))
        return false;
    machine->lesson = record.lesson;
    machine->lesson.member_count = count;
    machine->is_banned = record.is_banned;
    machine->is_valid = record.is_valid;
    answer_course(machine, redis_valid_or_none(record.lesson.course_id));
    machine->lesson.course_id = (lesson_store_id){NULL, 0};
    return true;
}

static bool take_count(cluster_machine *machine, redis_reply *reply) {
    int64_t count;
    if (!redis_reply_next_number(reply, &count) || count < 0)
        return false;
    machine->lesson.member_count = (uint64_t)count;
    if (!machine->lesson.has_record)
        answer_course(machine, (lesson_store_id){NULL, 0});
    return true;
}

/* The time until which the lease runs; below 0, or missing: it is over. */
static bool take_owner(cluster_machine *machine, redis_reply *reply) {
    lesson_store_id until_ms;
    if (!redis_reply_next_text(reply, &until_ms))
        return false;
    machine->holds = until_ms.size > 0 && until_ms.data[0] != '-';
    return true;
}

static bool take_ban(cluster_machine *machine, redis_reply *reply) {
    lesson_store_id word;
    if (!redis_reply_next_text(reply, &word) || !word.data || !redis_reply_at_end(reply))
        return false;
    machine->lesson.has_record = redis_text_is(word, "BANNED");
    return machine->lesson.has_record || redis_text_is(word, "NONE");
}

static bool take_unlinked(cluster_machine *machine, redis_reply *reply) {
    int64_t count;
    if (!redis_reply_next_number(reply, &count) || !redis_reply_at_end(reply))
        return false;
    if (count > 0)
        machine->operation->count = 0;
    cluster_machine_answer(machine, count > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    return true;
}

/* What the redis backend would have sent, it also reads. */
static bool take_plain(cluster_machine *machine) {
    size_t answered;
    redis_rest rest;
    if (!redis_apply_read(machine->workshop->redis, machine->operation, 1, &answered, &rest))
        return false;
    machine->outcome = CLUSTER_OUTCOME_ANSWERED;
    return rest == REDIS_REST_NOTHING;
}

/* If the reply was lost before, and nothing has changed since, this or the lost request has done it. */
static bool take_evicted(cluster_machine *machine, redis_reply *reply, bool was_lost) {
    cluster_evicted evicted;
    if (!cluster_read_evict(reply, &evicted))
        return false;
    machine->is_evicted =
        evicted.done > 0 || (was_lost && evicted.now.size == 0 && evicted.version == machine->committed);
    lesson_store_id_copy(machine->now, redis_valid_or_none(redis_given(evicted.now)));
    machine->version_now = evicted.version;
    return true;
}

bool cluster_machine_read(cluster_machine *machine, size_t i, redis_reply *reply, bool was_lost) {
    switch (machine->asks[i].kind) {
    case CLUSTER_ASK_PLAIN:
        return take_plain(machine);
    case CLUSTER_ASK_INSPECT:
        return take_inspect(machine, reply);
    case CLUSTER_ASK_ADD:
        return take_add(machine, reply, was_lost);
    case CLUSTER_ASK_COMMIT:
        return take_commit(machine, reply, was_lost);
    case CLUSTER_ASK_EVICT:
        return take_evicted(machine, reply, was_lost);
    case CLUSTER_ASK_REMOVE:
        return take_remove(machine, reply);
    case CLUSTER_ASK_RECORD:
        return take_record(machine, reply);
    case CLUSTER_ASK_COUNT:
        return take_count(machine, reply);
    case CLUSTER_ASK_OWNER:
        return take_owner(machine, reply);
    case CLUSTER_ASK_BAN:
        return take_ban(machine, reply);
    case CLUSTER_ASK_UNLINK_RECORD:
        return take_unlinked(machine, reply);
    }
    return false;
}
