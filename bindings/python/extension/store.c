/* An open store: its calls and batches, and its end. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "module.h"

#define MESSAGE_SIZE 256 /* of an operation in a batch; longer messages are cut */

/* What the code of an operation is before a batch, and stays if the batch is refused as a whole. None of the codes. */
#define NOT_RUN INT32_MAX

/* ---- Opening and closing
 *
 * A store may be closed while other threads are in calls. Those calls end first. They are counted with the GIL held, so
 * no lock is needed, and none can be held by another thread when the process forks. */

/* A thread in close, which waits until no call is under way. */
struct waiter {
    sem_t is_idle;
    waiter *next;
};

/* Opens the library's store of an object that is being made. Returns false with an exception. */
static bool open_by_location(store_object *self, PyObject *location, uint32_t level) {
    char *text = NULL;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(location, &text, &size) < 0)
        return false;
    if (memchr(text, 0, (size_t)size)) {
        PyErr_SetString(PyExc_ValueError, "the location holds a NUL");
        return false;
    }
    const lesson_store_log log = {.callback = log_ring_add, .context = self->ring, .level = level};
    PyThreadState *thread = PyEval_SaveThread();
    int code = self->ring ? lesson_store_open_logged(&self->store, text, &log) : lesson_store_open(&self->store, text);
    PyEval_RestoreThread(thread);
    if (code)
        raise_code(self->state, code, NULL);
    store_pass_log(self);
    return !code;
}

static bool begin_log(store_object *self, PyObject *tell) {
    if (tell == Py_None)
        return true;
    self->tell = Py_NewRef(tell);
    self->ring = log_ring_make();
    return self->ring != NULL;
}

/* open(location, tell, level): `tell` is None, or called with level, word, message and how many entries are missing
 * behind this one. */
PyObject *store_open(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    module_state *state = PyModule_GetState(module);
    uint32_t level = 0;
    if (!arguments_are(count, 3) || !uint32_from(arguments[2], &level))
        return NULL;
    store_object *self = (store_object *)PyType_GenericAlloc(state->store_type, 0);
    if (!self)
        return NULL;
    self->state = state;
    self->process = getpid();
    if (begin_log(self, arguments[1]) && open_by_location(self, arguments[0], level))
        return (PyObject *)self;
    Py_DECREF((PyObject *)self);
    return NULL;
}

/* In a child of a fork the ring may be locked for ever. */
void store_pass_log(store_object *self) {
    if (!self->ring || self->process != getpid())
        return;
    Py_INCREF((PyObject *)self); /* a handler may close the feed or the executor that alone keeps the store */
    log_ring_pass(self->ring, self->tell);
    Py_DECREF((PyObject *)self);
}

/* Closes the library's store if nothing uses it any more. A child of a fork leaves it to its parent. */
static void close_if_unused(store_object *self) {
    lesson_store *store = self->store;
    if (!self->is_closed || !store || self->calls > 0 || self->children > 0)
        return;
    self->store = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    lesson_store_close(store);
    PyEval_RestoreThread(thread);
}

bool store_enter(store_object *self) {
    if (self->is_closed) {
        raise_code(self->state, LESSON_STORE_CLOSED, "the store was closed");
        return false;
    }
    self->calls++;
    return true;
}

static void end_call(store_object *self) {
    self->calls--;
    if (!self->is_closed || self->calls > 0)
        return;
    if (!self->waiters)
        close_if_unused(self);
    for (waiter *each = self->waiters; each; each = each->next)
        sem_post(&each->is_idle);
}

void store_leave(store_object *self) {
    end_call(self);
    store_pass_log(self); /* a handler in Python may close the store: this call is no longer under way */
}

void store_add_child(store_object *self) {
    self->children++;
    Py_INCREF((PyObject *)self);
}

void store_remove_child(store_object *self) {
    self->children--;
    close_if_unused(self);
    Py_DECREF((PyObject *)self);
}

static void remove_waiter(store_object *self, const waiter *removed) {
    waiter **link = &self->waiters;
    while (*link != removed)
        link = &(*link)->next;
    *link = removed->next;
}

/* Waits until no call is under way. Returns false if a signal handler of Python's has raised an exception. */
static bool wait_until_idle(store_object *self) {
    waiter mine = {.next = self->waiters};
    sem_init(&mine.is_idle, 0, 0);
    self->waiters = &mine;
    bool goes_on = true;
    while (goes_on && self->calls > 0) {
        PyThreadState *thread = PyEval_SaveThread();
        int result = sem_wait(&mine.is_idle);
        PyEval_RestoreThread(thread);
        goes_on = result == 0 || PyErr_CheckSignals() == 0;
    }
    remove_waiter(self, &mine);
    sem_destroy(&mine.is_idle);
    return goes_on;
}

static PyObject *store_close(PyObject *object, PyObject *unused) {
    (void)unused;
    store_object *self = (store_object *)object;
    self->is_closed = true;
    if (self->process != getpid())
        self->store = NULL; /* and `calls` are those of threads that this process does not have */
    else if (self->calls > 0 && !wait_until_idle(self))
        return NULL;
    close_if_unused(self);
    return Py_NewRef(Py_None);
}

static void store_dealloc(PyObject *object) {
    store_object *self = (store_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    self->is_closed = true;
    close_if_unused(self);
    log_ring_free(self->ring);
    Py_XDECREF(self->tell);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyObject *store_is_closed(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(((store_object *)self)->is_closed);
}

/* ---- Calls */

/* Runs one operation. Its code is written also if the batch was refused as a whole. */
static bool run_one(store_object *self, lesson_store_operation *operation) {
    if (!store_enter(self))
        return false;
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_batch(self->store, operation, 1);
    PyEval_RestoreThread(thread);
    if (code < 0 && operation->code == LESSON_STORE_OK)
        operation->code = code;
    return true;
}

static PyObject *store_run(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    store_object *self = (store_object *)object;
    lesson_store_operation operation;
    lesson_store_place place;
    keeper kept = {.count = 0};
    PyObject *outcome = NULL;
    if (operation_from(arguments, count, &operation, &kept)) {
        operation.place = operation_has_place(&operation) ? &place : NULL;
        if (run_one(self, &operation)) {
            outcome = operation.code < 0 ? raise_code(self->state, operation.code, NULL)
                                         : outcome_object(self->state, &operation);
            store_leave(self);
        }
    }
    keeper_release(&kept);
    return outcome;
}

/* ---- Batches */

typedef struct batch {
    size_t count;
    lesson_store_operation *operations;
    lesson_store_place *places;
    char (*messages)[MESSAGE_SIZE];
    keeper *kept;
} batch;

static void batch_free(batch *asked) {
    for (size_t i = 0; asked->kept && i < asked->count; i++)
        keeper_release(&asked->kept[i]);
    free(asked->operations);
    free(asked->places);
    free(asked->messages);
    free(asked->kept);
}

static bool batch_make(batch *asked, size_t count) {
    size_t most = count > 0 ? count : 1;
    asked->count = count;
    asked->operations = calloc(most, sizeof *asked->operations);
    asked->places = calloc(most, sizeof *asked->places);
    asked->messages = calloc(most, sizeof *asked->messages);
    asked->kept = calloc(most, sizeof *asked->kept);
    if (asked->operations && asked->places && asked->messages && asked->kept)
        return true;
    PyErr_NoMemory();
    return false;
}

static bool batch_read(batch *asked, PyObject *tuple) {
    for (size_t i = 0; i < asked->count; i++) {
        lesson_store_operation *operation = &asked->operations[i];
        if (!operation_from_tuple(PyTuple_GetItem(tuple, (Py_ssize_t)i), operation, &asked->kept[i]))
            return false;
        if (operation_has_place(operation))
            operation->place = &asked->places[i];
        operation->message = asked->messages[i];
        operation->message_size = MESSAGE_SIZE;
        operation->code = NOT_RUN;
    }
    return true;
}

static PyObject *batch_outcomes(module_state *state, const batch *asked) {
    PyObject *list = PyList_New((Py_ssize_t)asked->count);
    for (size_t i = 0; list && i < asked->count; i++) {
        PyObject *outcome = outcome_object(state, &asked->operations[i]);
        if (outcome)
            PyList_SetItem(list, (Py_ssize_t)i, outcome);
        else
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *batch_run(store_object *self, batch *asked) {
    if (!store_enter(self))
        return NULL;
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_batch(self->store, asked->operations, asked->count);
    PyEval_RestoreThread(thread);
    bool was_refused = code < 0 && (asked->count == 0 || asked->operations[0].code == NOT_RUN);
    PyObject *outcomes = was_refused ? raise_code(self->state, code, NULL) : batch_outcomes(self->state, asked);
    store_leave(self);
    return outcomes;
}

static PyObject *store_batch(PyObject *object, PyObject *operations) {
    store_object *self = (store_object *)object;
    PyObject *tuple = PySequence_Tuple(operations); /* nobody can change it while the GIL is released */
    if (!tuple)
        return NULL;
    Py_ssize_t count = PyTuple_Size(tuple);
    batch asked = {.count = 0};
    PyObject *outcomes = NULL;
    if (count > LESSON_STORE_BATCH_MAX)
        PyErr_Format(PyExc_ValueError, "a batch has at most %d operations, not %zd", LESSON_STORE_BATCH_MAX, count);
    else if (batch_make(&asked, (size_t)count) && batch_read(&asked, tuple))
        outcomes = batch_run(self, &asked);
    batch_free(&asked);
    Py_DECREF(tuple);
    return outcomes;
}

static PyMethodDef methods[] = {
    {"run", FAST_METHOD(store_run), METH_FASTCALL, NULL},
    {"batch", store_batch, METH_O, NULL},
    {"members", store_members, METH_O, NULL},
    {"sweep", store_sweep, METH_NOARGS, NULL},
    {"drop", store_drop, METH_O, NULL},
    {"owners", store_owners, METH_NOARGS, NULL},
    {"bans", store_bans, METH_O, NULL},
    {"check", store_check, METH_O, NULL},
    {"info", store_info, METH_NOARGS, NULL},
    {"abilities", store_abilities, METH_NOARGS, NULL},
    {"metrics", FAST_METHOD(store_metrics), METH_FASTCALL, NULL},
    {"cursor", FAST_METHOD(cursor_open), METH_FASTCALL, NULL},
    {"feed", FAST_METHOD(feed_open), METH_FASTCALL, NULL},
    {"executor", FAST_METHOD(executor_open), METH_FASTCALL, NULL},
    {"close", store_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef members[] = {
    {"is_closed", store_is_closed, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, SLOT_FUNCTION(store_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {0, NULL},
};

PyType_Spec store_spec = {
    .name = "lessonstore._lessonstore.Store",
    .basicsize = sizeof(store_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
