/* A list that is read page by page, from a store or through an executor. */
#include "module.h"

/* cursor(kind, lesson_id, course_id, course_status, chat_status): what the kind does not take is None. */
static bool read_list(cursor_object *self, PyObject *const *arguments) {
    lesson_store_operation filter = {.kind = LESSON_STORE_OPERATION_NONE};
    PyObject *fields[OPERATION_FIELDS] = {arguments[0], arguments[0], Py_None, arguments[2], arguments[1],
                                          Py_None,      Py_None,      Py_None, arguments[3], arguments[4]};
    if (!operation_from(fields, 10, &filter, &self->kept))
        return false;
    self->list.kind = filter.kind;
    self->list.lesson_id = filter.lesson_id;
    self->list.filter.course_id = filter.course_id;
    self->list.filter.given = filter.given;
    self->list.filter.course_status = filter.course_status;
    self->list.filter.chat_status = filter.chat_status;
    return true;
}

/* A call of C takes the lesson as a C string, which a NUL would cut. */
static bool check_lesson(const cursor_object *self) {
    if (self->list.kind != LESSON_STORE_LIST_MEMBERS)
        return true;
    int code = lesson_store_id_check("lesson_id", self->list.lesson_id);
    if (code)
        raise_code(self->state, code, NULL);
    return !code;
}

PyObject *cursor_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count) {
    store_object *store = (store_object *)object;
    if (!arguments_are(count, 5) || !store_enter(store))
        return NULL;
    cursor_object *self = (cursor_object *)PyType_GenericAlloc(store->state->cursor_type, 0);
    if (self) {
        self->state = store->state;
        self->store = store;
        store_add_child(store);
        if (!read_list(self, arguments) || !check_lesson(self))
            Py_CLEAR(self);
    }
    store_leave(store);
    return (PyObject *)self;
}

static void close_cursor(cursor_object *self) {
    if (self->is_closed)
        return;
    self->is_closed = true;
    lesson_store_cursor *cursor = self->cursor;
    self->cursor = NULL;
    lesson_store_cursor_close(cursor); /* only frees memory */
    keeper_release(&self->kept);
    store_remove_child(self->store);
}

static void cursor_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    close_cursor((cursor_object *)object);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyObject *cursor_close(PyObject *object, PyObject *unused) {
    (void)unused;
    cursor_object *self = (cursor_object *)object;
    if (self->is_in_use)
        return raise_code(self->state, LESSON_STORE_BUSY, "another thread is reading a page of this list");
    close_cursor(self);
    return Py_NewRef(Py_None);
}

/* ---- Pages */

PyObject *page_objects(module_state *state, const lesson_store_page *page) {
    PyObject *list = PyList_New((Py_ssize_t)page->count);
    for (size_t i = 0; list && i < page->count; i++) {
        PyObject *entry = page->kind == LESSON_STORE_LIST_MEMBERS   ? id_object(page->uids[i])
                          : page->kind == LESSON_STORE_LIST_LESSONS ? lesson_object(state, &page->lessons[i])
                                                                    : user_object(state, &page->users[i]);
        if (entry)
            PyList_SetItem(list, (Py_ssize_t)i, entry);
        else
            Py_CLEAR(list);
    }
    return list;
}

static int read_page(cursor_object *self, size_t most, lesson_store_page *page) {
    lesson_store *store = self->store->store;
    page->kind = self->list.kind;
    if (page->kind == LESSON_STORE_LIST_MEMBERS)
        return lesson_store_members_page(store, self->list.lesson_id.data, most, &self->cursor, &page->uids,
                                         &page->count);
    if (page->kind == LESSON_STORE_LIST_LESSONS)
        return lesson_store_find_lessons_page(store, &self->list.filter, most, &self->cursor, &page->lessons,
                                              &page->count);
    return lesson_store_users_page(store, most, &self->cursor, &page->users, &page->count);
}

/* next(most): a list of entries, an empty one at the end. */
static PyObject *cursor_next(PyObject *object, PyObject *most) {
    cursor_object *self = (cursor_object *)object;
    size_t number = 0;
    if (!size_from(most, &number))
        return NULL;
    if (self->is_closed || self->is_in_use)
        return raise_code(self->state, self->is_closed ? LESSON_STORE_CLOSED : LESSON_STORE_BUSY,
                          self->is_closed ? "the list was closed" : "another thread is reading a page of this list");
    if (!store_enter(self->store))
        return NULL;
    lesson_store_page page = {.code = LESSON_STORE_OK};
    self->is_in_use = true;
    PyThreadState *thread = PyEval_SaveThread();
    page.code = read_page(self, number, &page);
    PyEval_RestoreThread(thread);
    PyObject *list = page.code ? raise_code(self->state, page.code, NULL) : page_objects(self->state, &page);
    self->is_in_use = false;
    store_leave(self->store);
    return list;
}

static PyMethodDef methods[] = {
    {"next", cursor_next, METH_O, NULL},
    {"close", cursor_close, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, SLOT_FUNCTION(cursor_dealloc)},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec cursor_spec = {
    .name = "lessonstore._lessonstore.Cursor",
    .basicsize = sizeof(cursor_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
