/*
 * An executor with one completion queue, for an event loop of Python's.
 *
 * Each operation is submitted with a token, any object. Drain gives the tokens of what is completed, with the outcomes.
 * Callbacks run only in drain and in close, which hold the GIL. No thread of the library ever needs it.
 */
#include <stdlib.h>

#include "module.h"

typedef struct executor_object {
    PyObject_HEAD module_state *state;
    store_object *store;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    PyObject *completed; /* the list that the running drain fills; NULL outside of drain */
    unsigned stopping;   /* threads in stop, without the GIL */
} executor_object;

/* The context of a callback. */
typedef struct pending {
    executor_object *executor; /* which closes before it is freed, so all callbacks find it */
    PyObject *token;
} pending;

/* ---- Completing */

/* Adds (token, answer) to what drain returns. Takes the references. */
static void complete(pending *done, PyObject *answer) {
    PyObject *list = done->executor->completed;
    PyObject *pair = answer ? PyTuple_Pack(2, done->token, answer) : NULL;
    if (pair && list)
        (void)PyList_Append(list, pair); /* a failure stays set as the exception, which drain raises */
    Py_XDECREF(pair);
    Py_XDECREF(answer);
    Py_DECREF(done->token);
    free(done);
}

static void complete_operation(const lesson_store_operation *operation, void *context) {
    pending *done = context;
    complete(done, done->executor->completed ? outcome_object(done->executor->state, operation) : NULL);
}

/* The answer of a page is (code, message or None, entries). */
static void complete_page(const lesson_store_page *page, void *context) {
    pending *done = context;
    PyObject *answer = NULL;
    if (done->executor->completed) {
        PyObject *code = code_object(done->executor->state, page->code);
        PyObject *message = page->code < 0 ? id_object(lesson_store_id_of(page->message)) : Py_NewRef(Py_None);
        PyObject *entries = page_objects(done->executor->state, page);
        if (code && message && entries)
            answer = PyTuple_Pack(3, code, message, entries);
        Py_XDECREF(code);
        Py_XDECREF(message);
        Py_XDECREF(entries);
    }
    complete(done, answer);
}

/* ---- Opening and closing */

static bool options_from(PyObject *const *arguments, lesson_store_executor_options *options) {
    return uint32_from(arguments[0], &options->lanes) && uint32_from(arguments[1], &options->pending_max) &&
           uint32_from(arguments[2], &options->batch_max) && uint32_from(arguments[3], &options->sweep_every_ms);
}

static int open_handles(executor_object *self, const lesson_store_executor_options *options) {
    int code = lesson_store_executor_open(&self->executor, self->store->store, options);
    return code ? code : lesson_store_executor_add_queue(&self->queue, self->executor);
}

/* executor(lanes, pending_max, batch_max, sweep_every_ms): 0 is the default. */
PyObject *executor_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    store_object *store = (store_object *)object;
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    if (!arguments_are(count, 4) || !options_from(arguments, &options) || !store_enter(store))
        return NULL;
    executor_object *self = (executor_object *)PyType_GenericAlloc(store->state->executor_type, 0);
    if (self) {
        self->state = store->state;
        self->store = store;
        store_add_child(store);
        int code = open_handles(self, &options);
        if (code) {
            raise_code(self->state, code, NULL);
            Py_CLEAR(self);
        }
    }
    store_leave(store);
    return (PyObject *)self;
}

/* What is left in the queue is dropped: whoever waits for it was told before. */
static void close_handles(executor_object *self) {
    store_object *store = self->store;
    lesson_store_executor *executor = self->executor;
    self->executor = NULL;
    self->queue = NULL;
    self->store = NULL;
    if (executor) {
        PyThreadState *thread = PyEval_SaveThread();
        lesson_store_executor_stop(executor, LESSON_STORE_STOP_CANCEL);
        PyEval_RestoreThread(thread);
    }
    lesson_store_executor_close(executor); /* after a stop it only ends threads, and calls callbacks */
    if (store)
        store_remove_child(store);
}

static void executor_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    close_handles((executor_object *)object);
    PyObject_Free(object);
    Py_DECREF(type);
}

static bool is_open(const executor_object *self) {
    if (!self->executor)
        raise_code(self->state, LESSON_STORE_CLOSED, "the executor was closed");
    return self->executor != NULL;
}

lesson_store_executor *executor_handle(module_state *state, PyObject *object) {
    return Py_TYPE(object) == state->executor_type ? ((executor_object *)object)->executor : NULL;
}

/* stop(flags) */
static PyObject *executor_stop(PyObject *object, PyObject *flags) {
    executor_object *self = (executor_object *)object;
    uint32_t number = 0;
    if (!uint32_from(flags, &number) || !is_open(self))
        return NULL;
    lesson_store_executor *executor = self->executor;
    self->stopping++;
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_executor_stop(executor, number);
    PyEval_RestoreThread(thread);
    self->stopping--;
    return code ? raise_code(self->state, code, NULL) : Py_NewRef(Py_None);
}

static PyObject *executor_close(PyObject *object, PyObject *unused) {
    (void)unused;
    executor_object *self = (executor_object *)object;
    if (self->completed || self->stopping > 0)
        return raise_code(self->state, LESSON_STORE_BUSY, "the executor is being stopped or drained");
    close_handles(self);
    return Py_NewRef(Py_None);
}

/* ---- Submitting */

static pending *make_pending(executor_object *self, PyObject *token) {
    pending *made = malloc(sizeof *made);
    if (!made) {
        PyErr_NoMemory();
        return NULL;
    }
    made->executor = self;
    made->token = Py_NewRef(token);
    return made;
}

/* The ticket of what was accepted. What was not is freed, and raised. */
static PyObject *ticket_or_raise(executor_object *self, int code, uint64_t ticket, pending *made) {
    if (!code)
        return PyLong_FromUnsignedLongLong(ticket);
    raise_code(self->state, code, NULL);
    Py_DECREF(made->token);
    free(made);
    return NULL;
}

/* submit(operation, timeout_ms, token): a ticket. Waits for nothing, so the GIL is kept. */
static PyObject *executor_submit(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    executor_object *self = (executor_object *)object;
    lesson_store_operation operation;
    lesson_store_place asks_for_place = {.joined_ms = 0}; /* nothing is ever written to it */
    keeper kept = {.count = 0};
    PyObject *ticket = NULL;
    if (arguments_are(count, 3) && is_open(self) && operation_from_tuple(arguments[0], &operation, &kept)) {
        int64_t timeout_ms = PyLong_AsLongLong(arguments[1]);
        pending *made = timeout_ms == -1 && PyErr_Occurred() ? NULL : make_pending(self, arguments[2]);
        if (made) {
            uint64_t number = 0;
            operation.place = operation_has_place(&operation) ? &asks_for_place : NULL;
            int code = lesson_store_executor_submit(self->executor, &operation, timeout_ms, self->queue,
                                                    complete_operation, made, &number);
            ticket = ticket_or_raise(self, code, number, made);
        }
    }
    keeper_release(&kept);
    return ticket;
}

static cursor_object *cursor_from(module_state *state, PyObject *object) {
    if (Py_TYPE(object) != state->cursor_type) {
        PyErr_SetString(PyExc_TypeError, "not a cursor");
        return NULL;
    }
    cursor_object *cursor = (cursor_object *)object;
    if (!cursor->is_closed)
        return cursor;
    raise_code(state, LESSON_STORE_CLOSED, "the list was closed");
    return NULL;
}

/* submit_page(cursor, most, timeout_ms, token): a ticket. */
static PyObject *executor_submit_page(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    executor_object *self = (executor_object *)object;
    if (!arguments_are(count, 4) || !is_open(self))
        return NULL;
    cursor_object *cursor = cursor_from(self->state, arguments[0]);
    if (!cursor || !size_from(arguments[1], &cursor->list.most))
        return NULL;
    int64_t timeout_ms = PyLong_AsLongLong(arguments[2]);
    pending *made = timeout_ms == -1 && PyErr_Occurred() ? NULL : make_pending(self, arguments[3]);
    if (!made)
        return NULL;
    uint64_t number = 0;
    int code = lesson_store_executor_submit_page(self->executor, &cursor->list, &cursor->cursor, timeout_ms,
                                                 self->queue, complete_page, made, &number);
    return ticket_or_raise(self, code, number, made);
}

/* cancel(ticket): True if the operation had not begun. */
static PyObject *executor_cancel(PyObject *object, PyObject *ticket) {
    executor_object *self = (executor_object *)object;
    uint64_t number = PyLong_AsUnsignedLongLong(ticket);
    if ((number == UINT64_MAX && PyErr_Occurred()) || !is_open(self))
        return NULL;
    int code = lesson_store_executor_cancel(self->executor, number);
    return code < 0 ? raise_code(self->state, code, NULL) : PyBool_FromLong(code == LESSON_STORE_OK);
}

/* ---- Draining */

/* drain(most): a list of (token, answer). One that is called in another returns an empty list. */
static PyObject *executor_drain(PyObject *object, PyObject *most) {
    executor_object *self = (executor_object *)object;
    size_t number = 0;
    if (!size_from(most, &number) || !is_open(self))
        return NULL;
    PyObject *list = PyList_New(0);
    if (!list || self->completed)
        return list;
    self->completed = list;
    lesson_store_completion_queue_drain(self->queue, number);
    self->completed = NULL;
    if (PyErr_Occurred())
        Py_CLEAR(list);
    store_pass_log(self->store);
    return list;
}

static PyObject *executor_fileno(PyObject *object, PyObject *unused) {
    (void)unused;
    executor_object *self = (executor_object *)object;
    return is_open(self) ? PyLong_FromLong(lesson_store_completion_queue_descriptor(self->queue)) : NULL;
}

static PyMethodDef methods[] = {
    {"submit", FAST_METHOD(executor_submit), METH_FASTCALL, NULL},
    {"submit_page", FAST_METHOD(executor_submit_page), METH_FASTCALL, NULL},
    {"cancel", executor_cancel, METH_O, NULL},
    {"drain", executor_drain, METH_O, NULL},
    {"fileno", executor_fileno, METH_NOARGS, NULL},
    {"stop", executor_stop, METH_O, NULL},
    {"close", executor_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, SLOT_FUNCTION(executor_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec executor_spec = {
    .name = "lessonstore._lessonstore.Executor",
    .basicsize = sizeof(executor_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
