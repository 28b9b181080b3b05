/* A feed of events. */
#include <unistd.h>

#include "module.h"

typedef struct feed_object {
    PyObject_HEAD module_state *state;
    store_object *store;
    lesson_store_feed *feed;
    bool is_in_use; /* what drain returns is being made, which may run any Python code */
} feed_object;

/* What a drain needs. */
typedef struct drained {
    module_state *state;
    PyObject *events;
} drained;

static lesson_store_feed *open_handle(store_object *store, const char *lesson_id, const char *position, int *code) {
    lesson_store_feed *feed = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    *code = lesson_store_feed_open(&feed, store->store, lesson_id, position);
    PyEval_RestoreThread(thread);
    if (*code)
        raise_code(store->state, *code, NULL);
    return feed;
}

static void close_handle(feed_object *self) {
    lesson_store_feed *feed = self->feed;
    if (!feed)
        return;
    self->feed = NULL;
    PyThreadState *thread = PyEval_SaveThread();
    lesson_store_feed_close(feed);
    PyEval_RestoreThread(thread);
    store_remove_child(self->store);
}

static PyObject *make_feed(store_object *store, lesson_store_feed *feed) {
    feed_object *self = (feed_object *)PyType_GenericAlloc(store->state->feed_type, 0);
    if (!self) {
        lesson_store_feed_close(feed);
        return NULL;
    }
    self->state = store->state;
    self->store = store;
    self->feed = feed;
    store_add_child(store);
    return (PyObject *)self;
}

/* feed(lesson_id, position): each may be None. */
PyObject *feed_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    store_object *store = (store_object *)object;
    keeper kept = {.count = 0};
    const char *lesson_id = NULL;
    const char *position = NULL;
    PyObject *made = NULL;
    if (arguments_are(count, 2) && text_from(store->state, "lesson_id", arguments[0], true, &lesson_id, &kept) &&
        text_from(store->state, "position", arguments[1], true, &position, &kept) && store_enter(store)) {
        int code = 0;
        lesson_store_feed *feed = open_handle(store, lesson_id, position, &code);
        if (feed)
            made = make_feed(store, feed);
        store_leave(store);
    }
    keeper_release(&kept);
    return made;
}

static void feed_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    close_handle((feed_object *)object);
    PyObject_Free(object);
    Py_DECREF(type);
}

/* Raises and returns false if the feed, or its store, was closed, or if another thread is in it. In a child of a fork
 * nothing would ever wake a thread that waits. */
static bool is_usable(const feed_object *self) {
    bool is_closed = !self->feed || self->store->is_closed;
    bool is_parents = !is_closed && self->store->process != getpid();
    if (is_closed)
        raise_code(self->state, LESSON_STORE_CLOSED, "the feed was closed");
    else if (is_parents)
        raise_code(self->state, LESSON_STORE_CLOSED, "the feed was opened before fork()");
    else if (self->is_in_use)
        raise_code(self->state, LESSON_STORE_BUSY, "another thread is reading this feed");
    return !is_closed && !is_parents && !self->is_in_use;
}

static PyObject *feed_close(PyObject *object, PyObject *unused) {
    (void)unused;
    feed_object *self = (feed_object *)object;
    if (self->is_in_use)
        return raise_code(self->state, LESSON_STORE_BUSY, "another thread is reading this feed");
    close_handle(self);
    return Py_NewRef(Py_None);
}

static bool add_event(const lesson_store_event *event, void *context) {
    const drained *to = context;
    PyObject *made = event_object(to->state, event);
    bool is_added = made && PyList_Append(to->events, made) == 0;
    Py_XDECREF(made);
    return is_added;
}

/* drain(most): (code, message or None, events). Never waits for the store, so the GIL is kept. */
static PyObject *feed_drain(PyObject *object, PyObject *most) {
    feed_object *self = (feed_object *)object;
    size_t number = 0;
    if (!size_from(most, &number) || !is_usable(self))
        return NULL;
    drained to = {self->state, PyList_New(0)};
    if (!to.events)
        return NULL;
    self->is_in_use = true;
    int code = lesson_store_feed_drain(self->feed, number, add_event, &to, NULL);
    PyObject *message = Py_NewRef(Py_None);
    if (code < 0) {
        Py_DECREF(message);
        message = id_object(lesson_store_id_of(lesson_store_message()));
    }
    PyObject *number_object = code_object(self->state, code);
    PyObject *all = !PyErr_Occurred() ? PyTuple_Pack(3, number_object, message, to.events) : NULL;
    Py_XDECREF(number_object);
    Py_XDECREF(message);
    Py_DECREF(to.events);
    self->is_in_use = false; /* not before, because code_object may run any Python code */
    store_pass_log(self->store);
    return all;
}

static PyObject *feed_position(PyObject *object, PyObject *unused) {
    (void)unused;
    feed_object *self = (feed_object *)object;
    if (!is_usable(self))
        return NULL;
    char position[LESSON_STORE_POSITION_SIZE];
    int code = lesson_store_feed_position(self->feed, position);
    return code ? raise_code(self->state, code, NULL) : PyUnicode_FromString(position);
}

static PyObject *feed_is_current(PyObject *object, PyObject *unused) {
    (void)unused;
    feed_object *self = (feed_object *)object;
    return is_usable(self) ? PyBool_FromLong(lesson_store_feed_is_current(self->feed)) : NULL;
}

static PyObject *feed_fileno(PyObject *object, PyObject *unused) {
    (void)unused;
    feed_object *self = (feed_object *)object;
    return is_usable(self) ? PyLong_FromLong(lesson_store_feed_descriptor(self->feed)) : NULL;
}

static PyMethodDef methods[] = {
    {"drain", feed_drain, METH_O, NULL},
    {"position", feed_position, METH_NOARGS, NULL},
    {"is_current", feed_is_current, METH_NOARGS, NULL},
    {"fileno", feed_fileno, METH_NOARGS, NULL},
    {"close", feed_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, SLOT_FUNCTION(feed_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec feed_spec = {
    .name = "lessonstore._lessonstore.Feed",
    .basicsize = sizeof(feed_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
