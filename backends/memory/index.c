#include <stdlib.h>

#include "pages.h"
#include "table.h"

#define FIRST_SLOTS 64

size_t memory_index_find(const memory_index *index, lesson_store_id uid, uint32_t hash) {
    if (!index->slots)
        return MEMORY_NO_SLOT;
    for (size_t at = memory_index_home(index, hash); index->slots[at].user; at = (at + 1) & index->mask) {
        if (index->slots[at].hash == hash && memory_same_id(memory_uid(memory_index_user(index, at)), uid))
            return at;
    }
    return MEMORY_NO_SLOT;
}

size_t memory_index_slot_of(const memory_index *index, const memory_user *user) {
    uint32_t number = memory_slab_number(user);
    size_t at = memory_index_home(index, user->hash);
    while (index->slots[at].user != number)
        at = (at + 1) & index->mask;
    return at;
}

static void put(memory_index *index, memory_index_slot slot) {
    size_t at = memory_index_home(index, slot.hash);
    while (index->slots[at].user)
        at = (at + 1) & index->mask;
    index->slots[at] = slot;
    index->count++;
}

void memory_index_add(memory_index *index, const memory_user *user) {
    put(index, (memory_index_slot){user->hash, memory_slab_number(user)});
}

/* Four fifths full at most: beyond, searches become long. */
static bool has_room(const memory_index *index) {
    return index->slots && index->count < (index->mask + 1) / 5 * 4;
}

bool memory_index_make_room(memory_index *index) {
    if (has_room(index))
        return true;
    size_t slots = index->slots ? (index->mask + 1) * 2 : FIRST_SLOTS;
    memory_index grown = {.slab = index->slab, .mask = slots - 1};
    grown.slots = memory_pages_take(slots * sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t at = 0; index->slots && at <= index->mask; at++) {
        if (index->slots[at].user)
            put(&grown, index->slots[at]);
    }
    free(index->slots);
    *index = grown;
    return true;
}

/* A slot behind the gap may move into it unless its search begins after the gap. */
void memory_index_remove(memory_index *index, size_t slot) {
    size_t gap = slot;
    for (size_t at = (gap + 1) & index->mask; index->slots[at].user; at = (at + 1) & index->mask) {
        size_t home = memory_index_home(index, index->slots[at].hash);
        if (((at - home) & index->mask) < ((at - gap) & index->mask))
            continue;
        index->slots[gap] = index->slots[at];
        gap = at;
    }
    index->slots[gap] = (memory_index_slot){0, 0};
    index->count--;
}

memory_user *memory_index_next(const memory_index *index, size_t *position) {
    for (size_t end = index->slots ? index->mask + 1 : 0; *position < end;) {
        size_t slot = (*position)++;
        if (index->slots[slot].user)
            return memory_index_user(index, slot);
    }
    return NULL;
}

void memory_index_close(memory_index *index) {
    free(index->slots);
}
