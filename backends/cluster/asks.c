/* The requests of machines. Each is written in the same way each time, so a request that is sent again has the same
 * bytes. */
#include <inttypes.h>
#include <stdio.h>

#include "../redis/apply.h"
#include "asks.h"
#include "script.h"

static const char *prefix_of(const cluster_machine *machine) {
    return machine->workshop->redis->settings.prefix;
}

static void add_version(redis_request *request, uint64_t version) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, version);
    redis_request_add_text(request, digits);
}

static void add_key(redis_request *request, const cluster_key *key) {
    redis_request_add(request, key->text, key->size);
}

void cluster_begin_script(redis_store *redis, const redis_script *script, const char *middle, lesson_store_id id,
                          const char *end) {
    redis_request *request = &redis->request;
    cluster_key key, helper;
    cluster_key_write(&key, redis->settings.prefix, middle, id);
    cluster_key_write_helper(&helper, &key, end);
    redis_request_begin_script(request, script);
    redis_request_add_text(request, "2");
    add_key(request, &key);
    add_key(request, &helper);
}

void cluster_begin_common(cluster_workshop *workshop, const redis_script *script) {
    redis_apply_begin_owners(&workshop->redis->request, script, workshop->common);
}

void cluster_begin_inspect(redis_store *redis, lesson_store_id uid, lesson_store_id unless, uint64_t floor,
                           bool with_details) {
    cluster_begin_script(redis, &redis_inspect_script, REDIS_USER, uid, CLUSTER_VERSION);
    redis_request_add_text(&redis->request, CLUSTER_USER_HELPER_MS);
    redis_request_add_id(&redis->request, unless);
    if (floor > 0)
        add_version(&redis->request, floor);
    else
        redis_request_add_text(&redis->request, "");
    redis_request_add_text(&redis->request, with_details ? "1" : "");
}

void cluster_begin_evict(redis_store *redis, lesson_store_id uid, lesson_store_id lesson, const char *last) {
    cluster_begin_script(redis, &redis_evict_script, REDIS_USER, uid, CLUSTER_VERSION);
    redis_request_add_text(&redis->request, CLUSTER_USER_HELPER_MS);
    redis_request_add_id(&redis->request, lesson);
    redis_request_add_text(&redis->request, last);
}

void cluster_begin_add(redis_store *redis, lesson_store_id lesson, lesson_store_id uid, uint64_t version,
                       uint64_t capacity) {
    cluster_begin_script(redis, &redis_add_script, REDIS_MEMBERS, lesson, CLUSTER_VERSION);
    redis_request_add_id(&redis->request, uid);
    add_version(&redis->request, version);
    if (capacity > 0)
        add_version(&redis->request, capacity);
    else
        redis_request_add_text(&redis->request, "");
}

void cluster_begin_remove(redis_store *redis, lesson_store_id lesson) {
    cluster_begin_script(redis, &redis_remove_script, REDIS_MEMBERS, lesson, CLUSTER_VERSION);
    redis_request_add_text(&redis->request, CLUSTER_LESSON_HELPER_MS);
}

void cluster_add_removed(redis_store *redis, lesson_store_id uid, uint64_t version) {
    redis_request_add_id(&redis->request, uid);
    add_version(&redis->request, version);
}

static void write_commit(const cluster_machine *machine) {
    const lesson_store_operation *operation = machine->operation;
    redis_request *request = &machine->workshop->redis->request;
    bool joins = operation->kind == LESSON_STORE_OPERATION_JOIN;
    const lesson_store_id none = {NULL, 0};
    cluster_begin_script(machine->workshop->redis, &redis_commit_script, REDIS_USER, operation->uid, CLUSTER_VERSION);
    redis_request_add_text(request, CLUSTER_USER_HELPER_MS);
    add_version(request, machine->version);
    redis_request_add_text(request, machine->last);
    redis_request_add_text(request, machine->id);
    redis_request_add_id(request, joins ? operation->lesson_id : none);
    redis_request_add_id(request, operation->uid);
    redis_request_add_id(request, joins ? operation->course_id : none);
    redis_request_add_id(request, joins ? operation->session : none);
    redis_request_add_id(request, joins ? operation->owner : none);
}

static void write_record(const cluster_machine *machine) {
    const lesson_store_operation *operation = machine->operation;
    bool asks_for_ban = operation->flags & LESSON_STORE_JOIN_UNLESS_BANNED;
    cluster_begin_script(machine->workshop->redis, &redis_record_script, REDIS_RECORD, operation->lesson_id,
                         CLUSTER_BANS);
    redis_request_add_id(&machine->workshop->redis->request,
                         asks_for_ban ? operation->uid : (lesson_store_id){NULL, 0});
}

static void write_ban(const cluster_machine *machine) {
    redis_request *request = &machine->workshop->redis->request;
    cluster_begin_script(machine->workshop->redis, &redis_set_ban_script, REDIS_RECORD, machine->operation->lesson_id,
                         CLUSTER_BANS);
    redis_request_add_id(request, machine->operation->uid);
    add_version(request, (uint64_t)machine->operation->ban_ms);
}

static void write_count(const cluster_machine *machine) {
    cluster_key key;
    redis_request *request = &machine->workshop->redis->request;
    cluster_key_write(&key, prefix_of(machine), REDIS_MEMBERS, machine->operation->lesson_id);
    redis_request_begin(request);
    redis_request_add_text(request, "SCARD");
    add_key(request, &key);
}

/* The keys of owners are those of a store that has the common prefix. */
static void write_owner(const cluster_machine *machine) {
    redis_request *request = &machine->workshop->redis->request;
    char key[CLUSTER_HELPER_SIZE + sizeof REDIS_OWNERS];
    snprintf(key, sizeof key, "%s" REDIS_OWNERS, machine->workshop->common);
    redis_request_begin(request);
    redis_request_add_text(request, "ZSCORE");
    redis_request_add_text(request, key);
    redis_request_add_id(request, machine->operation->owner);
}

static void write_plain(const cluster_machine *machine) {
    if (machine->operation->kind == LESSON_STORE_OPERATION_HOLD)
        redis_apply_begin_hold(&machine->workshop->redis->request, machine->workshop->common, machine->operation);
    else
        redis_apply_begin(machine->workshop->redis, machine->operation, 1);
}

/* Whether the session, the owner or the course of a user matters. */
static bool needs_details(const cluster_machine *machine) {
    const lesson_store_operation *operation = machine->operation;
    bool is_quit = operation->kind == LESSON_STORE_OPERATION_QUIT;
    return machine->stage == CLUSTER_STAGE_INSPECT && (operation->place || operation->if_session.data ||
                                                       (is_quit && (operation->session.data || operation->owner.data)));
}

void cluster_machine_write(const cluster_machine *machine, size_t i) {
    const lesson_store_operation *operation = machine->operation;
    redis_store *redis = machine->workshop->redis;
    lesson_store_id lesson = lesson_store_id_of(machine->asks[i].lesson);
    switch (machine->asks[i].kind) {
    case CLUSTER_ASK_PLAIN:
        write_plain(machine);
        break;
    case CLUSTER_ASK_INSPECT:
        cluster_begin_inspect(redis, operation->uid, (lesson_store_id){NULL, 0}, machine->floor,
                              needs_details(machine));
        break;
    case CLUSTER_ASK_ADD:
        cluster_begin_add(redis, lesson, operation->uid, cluster_version_to_add(machine),
                          cluster_capacity_to_keep(machine));
        break;
    case CLUSTER_ASK_COMMIT:
        write_commit(machine);
        break;
    case CLUSTER_ASK_EVICT:
        cluster_begin_evict(redis, operation->uid, lesson,
                            operation->kind == LESSON_STORE_OPERATION_JOIN ? machine->id : machine->last);
        break;
    case CLUSTER_ASK_REMOVE:
        cluster_begin_remove(redis, lesson);
        cluster_add_removed(redis, operation->uid, machine->version_now);
        break;
    case CLUSTER_ASK_RECORD:
        write_record(machine);
        break;
    case CLUSTER_ASK_COUNT:
        write_count(machine);
        break;
    case CLUSTER_ASK_OWNER:
        write_owner(machine);
        break;
    case CLUSTER_ASK_BAN:
        write_ban(machine);
        break;
    case CLUSTER_ASK_UNLINK_RECORD:
        cluster_begin_script(redis, &redis_unlink_record_script, REDIS_RECORD, operation->lesson_id, CLUSTER_BANS);
        break;
    }
}

static unsigned slot_of_plain(const cluster_machine *machine) {
    const lesson_store_operation *operation = machine->operation;
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_HOLD:
        return machine->workshop->common_slot;
    case LESSON_STORE_OPERATION_WHERE:
        return cluster_slot_of(prefix_of(machine), REDIS_USER, operation->uid);
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return cluster_slot_of(prefix_of(machine), REDIS_MEMBERS, operation->lesson_id);
    default:
        return cluster_slot_of(prefix_of(machine), REDIS_RECORD, operation->lesson_id);
    }
}

unsigned cluster_machine_slot(const cluster_machine *machine, size_t i) {
    const lesson_store_operation *operation = machine->operation;
    const char *prefix = prefix_of(machine);
    switch (machine->asks[i].kind) {
    case CLUSTER_ASK_PLAIN:
        return slot_of_plain(machine);
    case CLUSTER_ASK_INSPECT:
    case CLUSTER_ASK_COMMIT:
    case CLUSTER_ASK_EVICT:
        return cluster_slot_of(prefix, REDIS_USER, operation->uid);
    case CLUSTER_ASK_ADD:
    case CLUSTER_ASK_REMOVE:
        return cluster_slot_of(prefix, REDIS_MEMBERS, lesson_store_id_of(machine->asks[i].lesson));
    case CLUSTER_ASK_COUNT:
        return cluster_slot_of(prefix, REDIS_MEMBERS, operation->lesson_id);
    case CLUSTER_ASK_OWNER:
        return machine->workshop->common_slot;
    case CLUSTER_ASK_RECORD:
    case CLUSTER_ASK_BAN:
    case CLUSTER_ASK_UNLINK_RECORD:
        break;
    }
    return cluster_slot_of(prefix, REDIS_RECORD, operation->lesson_id);
}

/* The scripts of users and members take effect once. What writes a record has no version, and could arrive again after
 * another program has written the record. */
bool cluster_machine_may_repeat(const cluster_machine *machine, size_t i) {
    switch (machine->asks[i].kind) {
    case CLUSTER_ASK_PLAIN:
        return !lesson_store_operation_writes(machine->operation);
    case CLUSTER_ASK_BAN:
    case CLUSTER_ASK_UNLINK_RECORD:
        return false;
    default:
        return true;
    }
}
