/* Rings: the slots that wait in a lane, in the order in which they were accepted. */
#include <stdlib.h>

#include "executor.h"

#define GAP UINT32_MAX

/* Large enough that a full ring holds at least as many gaps as slots. */
static uint64_t ring_size(uint32_t pending_max) {
    uint64_t size = 2;
    while (size < 2 * (uint64_t)pending_max)
        size *= 2;
    return size;
}

int lesson_store__ring_open(lesson_store__ring *ring, lesson_store__slots *slots, uint32_t pending_max) {
    uint64_t size = ring_size(pending_max);
    ring->slots = slots;
    ring->mask = size - 1;
    ring->indices = calloc(size, sizeof *ring->indices);
    return ring->indices ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

static void close_gaps(lesson_store__ring *ring) {
    uint64_t end = ring->head;
    for (uint64_t position = ring->head; position < ring->tail; position++) {
        uint32_t index = ring->indices[position & ring->mask];
        if (index == GAP)
            continue;
        ring->indices[end & ring->mask] = index;
        ring->slots->all[index].position = end++;
    }
    ring->tail = end;
}

void lesson_store__ring_add(lesson_store__ring *ring, lesson_store__submission *submission) {
    if (ring->tail - ring->head > ring->mask)
        close_gaps(ring);
    submission->ring = ring;
    submission->position = ring->tail++;
    ring->indices[submission->position & ring->mask] = lesson_store__slots_index(ring->slots, submission);
    ring->waiting++;
}

void lesson_store__ring_remove(const lesson_store__submission *submission) {
    lesson_store__ring *ring = submission->ring;
    ring->indices[submission->position & ring->mask] = GAP;
    ring->waiting--;
}

lesson_store__submission *lesson_store__ring_first(lesson_store__ring *ring) {
    if (ring->waiting == 0)
        return NULL;
    while (ring->indices[ring->head & ring->mask] == GAP)
        ring->head++;
    return &ring->slots->all[ring->indices[ring->head & ring->mask]];
}

lesson_store__submission *lesson_store__ring_take(lesson_store__ring *ring) {
    lesson_store__submission *first = lesson_store__ring_first(ring);
    ring->head++;
    ring->waiting--;
    return first;
}

lesson_store__phase lesson_store__phase_of(const lesson_store__submission *submission) {
    const lesson_store__ring *ring = submission->ring;
    if (submission->early_code || submission->position < ring->running_from)
        return LESSON_STORE_PHASE_DECIDED;
    return submission->position < ring->head ? LESSON_STORE_PHASE_BEGUN : LESSON_STORE_PHASE_WAITING;
}
