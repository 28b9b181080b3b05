/* Calls of a store about the store itself: check and repair, information, abilities, metrics. */
#include <stdlib.h>

#include "module.h"

/* ---- Check and repair */

static bool add_finding(const lesson_store_finding *finding, void *context) {
    const lesson_store_id detail = lesson_store_id_of(finding->detail);
    const row added = {.ids = {finding->lesson_id, finding->uid, detail},
                       .numbers = {finding->kind, finding->repairable, finding->repaired}};
    return rows_add(context, &added);
}

static PyObject *make_finding(module_state *state, const row *made) {
    PyObject *fields[] = {
        enumeration_object(state, MODULE_FINDING_KIND, made->numbers[0]),
        PyBool_FromLong((long)made->numbers[1]),
        PyBool_FromLong((long)made->numbers[2]),
        id_object(made->ids[0]),
        id_object(made->ids[1]),
        id_object(made->ids[2]),
    };
    return named_tuple(state, MODULE_FINDING, fields, sizeof fields / sizeof *fields);
}

PyObject *store_check(PyObject *object, PyObject *flags) {
    store_object *self = (store_object *)object;
    uint32_t number = 0;
    if (!uint32_from(flags, &number) || !store_enter(self))
        return NULL;
    rows found = {.id_count = 3, .number_count = 3};
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_check(self->store, number, add_finding, &found, NULL, NULL);
    PyEval_RestoreThread(thread);
    PyObject *list = rows_finish(&found, self->state, code, make_finding);
    store_leave(self);
    return list;
}

/* ---- Information and abilities */

static bool add_fact(const char *name, const char *value, void *context) {
    const row added = {.ids = {lesson_store_id_of(name), lesson_store_id_of(value)}};
    return rows_add(context, &added);
}

static PyObject *make_fact(module_state *state, const row *made) {
    (void)state;
    PyObject *name = id_object(made->ids[0]);
    PyObject *value = id_object(made->ids[1]);
    PyObject *pair = name && value ? PyTuple_Pack(2, name, value) : NULL;
    Py_XDECREF(name);
    Py_XDECREF(value);
    return pair;
}

PyObject *store_info(PyObject *object, PyObject *unused) {
    (void)unused;
    store_object *self = (store_object *)object;
    if (!store_enter(self))
        return NULL;
    rows facts = {.id_count = 2};
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_info(self->store, add_fact, &facts);
    PyEval_RestoreThread(thread);
    PyObject *list = rows_finish(&facts, self->state, code, make_fact);
    store_leave(self);
    return list;
}

PyObject *store_abilities(PyObject *object, PyObject *unused) {
    (void)unused;
    store_object *self = (store_object *)object;
    if (!store_enter(self))
        return NULL;
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    int code = lesson_store_read_abilities(self->store, &abilities);
    PyObject *made = NULL;
    if (code) {
        raise_code(self->state, code, NULL);
    } else {
        PyObject *fields[] = {
            PyLong_FromUnsignedLongLong(abilities.operations),
            PyLong_FromUnsignedLongLong(abilities.flags),
            PyLong_FromUnsignedLongLong(abilities.calls),
            PyLong_FromUnsignedLongLong(abilities.capabilities),
            PyLong_FromUnsignedLongLong(abilities.end_at_once_max),
            PyLong_FromUnsignedLongLong(abilities.members_at_once_max),
            PyLong_FromUnsignedLongLong(abilities.exceptions),
        };
        made = named_tuple(self->state, MODULE_ABILITIES, fields, sizeof fields / sizeof *fields);
    }
    store_leave(self);
    return made;
}

/* ---- Metrics */

static bool add_piece(const char *text, size_t size, void *context) {
    const row added = {.ids = {{text, size}}};
    return rows_add(context, &added);
}

static PyObject *make_text(module_state *state, const row *made) {
    (void)state;
    return id_object(made->ids[0]);
}

/* metrics(name, executor, flags): a list of pieces of text. */
PyObject *store_metrics(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    store_object *self = (store_object *)object;
    keeper kept = {.count = 0};
    PyObject *pieces = NULL;
    uint32_t flags = 0;
    lesson_store_metrics_source source = {.name = NULL};
    if (arguments_are(count, 3) && text_from(self->state, "name", arguments[0], true, &source.name, &kept) &&
        uint32_from(arguments[2], &flags) && store_enter(self)) {
        source.store = self->store;
        source.executor = executor_handle(self->state, arguments[1]);
        rows written = {.id_count = 1};
        /* Waits for nothing, so the GIL is kept: nobody can close the executor meanwhile. */
        int code = lesson_store_write_metrics(&source, 1, flags, add_piece, &written);
        pieces = rows_finish(&written, self->state, code, make_text);
        store_leave(self);
    }
    keeper_release(&kept);
    return pieces;
}
