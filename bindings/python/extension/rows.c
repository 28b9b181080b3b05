/* Entries of lists that a callback gave without the GIL: their bytes in one block, row behind row. */
#include <stdlib.h>

#include "module.h"

#define FIRST_CAPACITY 4096
#define NOT_GIVEN SIZE_MAX /* the size of an id that is not given */

static bool make_room(rows *from, size_t more) {
    if (more > SIZE_MAX / 2 - from->size)
        return false;
    size_t needed = from->size + more;
    if (needed <= from->capacity)
        return true;
    size_t capacity = from->capacity ? from->capacity * 2 : FIRST_CAPACITY;
    if (capacity < needed)
        capacity = needed;
    char *data = realloc(from->data, capacity);
    if (!data)
        return false;
    from->data = data;
    from->capacity = capacity;
    return true;
}

static void put(rows *from, const void *bytes, size_t size) {
    if (size > 0)
        memcpy(from->data + from->size, bytes, size);
    from->size += size;
}

/* A row is its numbers, and then the size and the bytes of each id. */
bool rows_add(rows *from, const row *added) {
    size_t needed = from->number_count * sizeof *added->numbers;
    for (size_t i = 0; i < from->id_count; i++)
        needed += sizeof(size_t) + added->ids[i].size;
    if (!make_room(from, needed)) {
        from->failed = true;
        return false;
    }
    put(from, added->numbers, from->number_count * sizeof *added->numbers);
    for (size_t i = 0; i < from->id_count; i++) {
        const lesson_store_id *id = &added->ids[i];
        size_t size = id->data ? id->size : NOT_GIVEN;
        put(from, &size, sizeof size);
        if (id->data)
            put(from, id->data, id->size);
    }
    return true;
}

static void take(const rows *from, size_t *at, void *bytes, size_t size) {
    if (size > 0)
        memcpy(bytes, from->data + *at, size);
    *at += size;
}

static void take_row(const rows *from, size_t *at, row *taken) {
    memset(taken, 0, sizeof *taken);
    take(from, at, taken->numbers, from->number_count * sizeof *taken->numbers);
    for (size_t i = 0; i < from->id_count; i++) {
        size_t size = 0;
        take(from, at, &size, sizeof size);
        if (size == NOT_GIVEN)
            continue;
        taken->ids[i].data = from->data + *at;
        taken->ids[i].size = size;
        *at += size;
    }
}

static PyObject *list_of(const rows *from, module_state *state, row_maker *make) {
    PyObject *list = PyList_New(0);
    size_t at = 0;
    while (list && at < from->size) {
        row taken;
        take_row(from, &at, &taken);
        PyObject *entry = make(state, &taken);
        if (!entry || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

PyObject *rows_finish(rows *from, module_state *state, int code, row_maker *make) {
    PyObject *list = NULL;
    if (code < 0)
        raise_code(state, code, NULL);
    else if (from->failed)
        PyErr_NoMemory();
    else
        list = list_of(from, state, make);
    free(from->data);
    from->data = NULL;
    return list;
}
