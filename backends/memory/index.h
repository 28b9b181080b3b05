/*
 * Where the users are found by their uid: an open-addressing table of hashes and numbers of blocks. A look-up touches
 * one line of it and then the user itself, where uthash follows a chain through the users that share a bucket; and a
 * user carries 4 bytes for it instead of uthash's 56. That counts for users, of whom there are millions.
 *
 * Collisions go to the next slot. Removing moves the slots behind back into the gap, so there are no marks of removed
 * ones and a table in a steady state never has to be made anew.
 */
#ifndef LESSON_STORE_MEMORY_INDEX_H
#define LESSON_STORE_MEMORY_INDEX_H

#include <lessonstore/backend.h>

#include "slab.h"

typedef struct memory_user memory_user;

typedef struct memory_index_slot {
    uint32_t hash;
    uint32_t user; /* the number of the user's block; 0: free */
} memory_index_slot;

typedef struct memory_index {
    const memory_slab *slab;
    memory_index_slot *slots; /* NULL until the first user comes */
    size_t mask;              /* one less than the number of slots, which is a power of two */
    size_t count;
} memory_index;

#define MEMORY_NO_SLOT SIZE_MAX

/* The slot of a user, or MEMORY_NO_SLOT. */
size_t memory_index_find(const memory_index *index, lesson_store_id uid, uint32_t hash);

/* The slot of a user who is there. */
size_t memory_index_slot_of(const memory_index *index, const memory_user *user);

/* Makes room for one more user; false, and nothing is changed, if there is no memory. */
bool memory_index_make_room(memory_index *index);

/* Adds a user who is not there and for whom room was made. The user must know its hash. */
void memory_index_add(memory_index *index, const memory_user *user);
void memory_index_remove(memory_index *index, size_t slot);

/* The next user from `*position` on, which begins at 0; NULL after the last. */
memory_user *memory_index_next(const memory_index *index, size_t *position);

void memory_index_close(memory_index *index);

/* The slot where a search for this hash begins. */
static inline size_t memory_index_home(const memory_index *index, uint32_t hash) {
    return hash & index->mask;
}

/* NULL for MEMORY_NO_SLOT. */
static inline memory_user *memory_index_user(const memory_index *index, size_t slot) {
    return slot == MEMORY_NO_SLOT ? NULL : memory_slab_block_at(index->slab, index->slots[slot].user);
}

/* Lets the memory of that slot come while something else is done. */
static inline void memory_index_fetch(const memory_index *index, uint32_t hash) {
    if (index->slots)
        __builtin_prefetch(&index->slots[memory_index_home(index, hash)]);
}

#endif
