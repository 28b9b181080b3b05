/* Entries of the log, on their way from the library to Python. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "module.h"

enum { ENTRIES_MAX = 32, WORD_SIZE = 32 };

typedef struct entry {
    uint32_t level;
    char word[WORD_SIZE];
    char message[LESSON_STORE_MESSAGE_SIZE];
} entry;

/* Whoever holds the mutex needs no GIL. */
struct log_ring {
    pthread_mutex_t mutex;
    atomic_uint count;
    unsigned lost; /* entries for which there was no room */
    entry entries[ENTRIES_MAX];
};

log_ring *log_ring_make(void) {
    log_ring *ring = calloc(1, sizeof *ring);
    if (!ring) {
        PyErr_NoMemory();
        return NULL;
    }
    pthread_mutex_init(&ring->mutex, NULL);
    return ring;
}

void log_ring_free(log_ring *ring) {
    if (!ring)
        return;
    pthread_mutex_destroy(&ring->mutex);
    free(ring);
}

void log_ring_add(const lesson_store_log_entry *added, void *context) {
    log_ring *ring = context;
    pthread_mutex_lock(&ring->mutex);
    unsigned count = atomic_load(&ring->count);
    if (count < ENTRIES_MAX) {
        entry *to = &ring->entries[count];
        to->level = added->level;
        snprintf(to->word, sizeof to->word, "%s", added->word);
        snprintf(to->message, sizeof to->message, "%s", added->message);
        atomic_store(&ring->count, count + 1);
    } else {
        ring->lost++;
    }
    pthread_mutex_unlock(&ring->mutex);
}

/* Takes the oldest entry. */
static bool take(log_ring *ring, entry *taken, unsigned *lost) {
    pthread_mutex_lock(&ring->mutex);
    unsigned count = atomic_load(&ring->count);
    if (count > 0) {
        *taken = ring->entries[0];
        memmove(&ring->entries[0], &ring->entries[1], (count - 1) * sizeof *ring->entries);
        atomic_store(&ring->count, count - 1);
    }
    *lost = count == 1 ? ring->lost : 0; /* they came after the last one that was kept */
    if (count == 1)
        ring->lost = 0;
    pthread_mutex_unlock(&ring->mutex);
    return count > 0;
}

void log_ring_pass(log_ring *ring, PyObject *tell) {
    entry taken;
    unsigned lost = 0;
    while (atomic_load(&ring->count) > 0 && take(ring, &taken, &lost)) {
        PyObject *kind = NULL;
        PyObject *value = NULL;
        PyObject *trace = NULL;
        PyErr_Fetch(&kind, &value, &trace);
        PyObject *result = PyObject_CallFunction(tell, "Issi", taken.level, taken.word, taken.message, (int)lost);
        if (!result)
            PyErr_WriteUnraisable(tell);
        Py_XDECREF(result);
        PyErr_Restore(kind, value, trace);
    }
}
