/*
 * Fetching ahead. In a store that is larger than the processor's caches an operation spends most of its time waiting
 * for memory, four times in a row: for the index, the user, the lesson's array, and the member who moves into the gap.
 * Each address is only known when the one before has come. In a batch the operations can wait together: all indices are
 * asked for at once, then all users, and so on.
 *
 * What is fetched is what the operation will most likely need; nothing depends on it being right.
 */
#include "table.h"

#define LARGE_USERS 8192 /* some 100 bytes each: about what a second-level cache holds */

bool memory_is_large(const memory_store *memory) {
    return memory->users.count > LARGE_USERS;
}

static void fetch(const void *address) {
    __builtin_prefetch(address);
}

/* The user whom one of the first two slots names, if its hash is the right one. */
static memory_user *likely_user(const memory_index *index, uint32_t hash) {
    size_t slot = memory_index_home(index, hash);
    if (index->slots[slot].hash != hash)
        slot = (slot + 1) & index->mask;
    bool likely = index->slots[slot].user && index->slots[slot].hash == hash;
    return likely ? memory_index_user(index, slot) : NULL;
}

static bool changes_members(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_JOIN || operation->kind == LESSON_STORE_OPERATION_QUIT;
}

void memory_look_ahead(const memory_store *memory, const lesson_store_operation *operations, const uint32_t *hashes,
                       size_t count) {
    const memory_index *index = &memory->users;
    memory_user *users[MEMORY_GROUP_MAX];
    for (size_t i = 0; i < count; i++) {
        if (operations[i].uid.data)
            memory_index_fetch(index, hashes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        users[i] = operations[i].uid.data ? likely_user(index, hashes[i]) : NULL;
        if (users[i])
            fetch(users[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (users[i] && changes_members(&operations[i]))
            fetch(&users[i]->lesson->roster.seats[users[i]->seat]);
    }
}
