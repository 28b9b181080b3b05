/* Calls of a store that give lists by a callback. */
#include "module.h"

/* ---- Members */

static bool add_member(const lesson_store_id *uid, void *context) {
    const row added = {.ids = {*uid}};
    return rows_add(context, &added);
}

static PyObject *make_id(module_state *state, const row *made) {
    (void)state;
    return id_object(made->ids[0]);
}

PyObject *store_members(PyObject *object, PyObject *lesson_id) {
    store_object *self = (store_object *)object;
    keeper kept = {.count = 0};
    const char *text = NULL;
    PyObject *list = NULL;
    if (text_from(self->state, "lesson_id", lesson_id, false, &text, &kept) && store_enter(self)) {
        rows found = {.id_count = 1};
        PyThreadState *thread = PyEval_SaveThread();
        int code = lesson_store_members(self->store, text, add_member, &found);
        PyEval_RestoreThread(thread);
        list = rows_finish(&found, self->state, code, make_id);
        store_leave(self);
    }
    keeper_release(&kept);
    return list;
}

/* ---- Users whom a sweep or a drop has put out */

enum { USER_IDS = 5, USER_NUMBERS = 1 };

static bool add_user(const lesson_store_user *user, void *context) {
    const row added = {.ids = {user->uid, user->course_id, user->lesson_id, user->session, user->owner},
                       .numbers = {user->joined_ms}};
    return rows_add(context, &added);
}

static PyObject *make_user(module_state *state, const row *made) {
    const lesson_store_user user = {.uid = made->ids[0],
                                    .course_id = made->ids[1],
                                    .lesson_id = made->ids[2],
                                    .session = made->ids[3],
                                    .owner = made->ids[4],
                                    .joined_ms = made->numbers[0]};
    return user_object(state, &user);
}

PyObject *store_sweep(PyObject *object, PyObject *unused) {
    (void)unused;
    store_object *self = (store_object *)object;
    if (!store_enter(self))
        return NULL;
    rows out = {.id_count = USER_IDS, .number_count = USER_NUMBERS};
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_sweep(self->store, add_user, &out, NULL);
    PyEval_RestoreThread(thread);
    PyObject *list = rows_finish(&out, self->state, code, make_user);
    store_leave(self);
    return list;
}

/* None: the owner holds no lease. */
PyObject *store_drop(PyObject *object, PyObject *owner) {
    store_object *self = (store_object *)object;
    keeper kept = {.count = 0};
    const char *text = NULL;
    PyObject *list = NULL;
    if (text_from(self->state, "owner", owner, false, &text, &kept) && store_enter(self)) {
        rows out = {.id_count = USER_IDS, .number_count = USER_NUMBERS};
        PyThreadState *thread = PyEval_SaveThread();
        int code = lesson_store_drop(self->store, text, add_user, &out, NULL);
        PyEval_RestoreThread(thread);
        list = rows_finish(&out, self->state, code, make_user);
        if (list && code == LESSON_STORE_NOT_FOUND) {
            Py_DECREF(list);
            list = Py_NewRef(Py_None);
        }
        store_leave(self);
    }
    keeper_release(&kept);
    return list;
}

/* ---- Owners */

static bool add_owner(const lesson_store_owner *owner, void *context) {
    const row added = {.ids = {owner->owner}, .numbers = {owner->lease_ms, owner->left_ms, owner->state}};
    return rows_add(context, &added);
}

static PyObject *make_owner(module_state *state, const row *made) {
    PyObject *fields[] = {
        id_object(made->ids[0]),
        PyLong_FromLongLong(made->numbers[0]),
        PyLong_FromLongLong(made->numbers[1]),
        enumeration_object(state, MODULE_OWNER_STATE, made->numbers[2]),
    };
    return named_tuple(state, MODULE_OWNER, fields, sizeof fields / sizeof *fields);
}

PyObject *store_owners(PyObject *object, PyObject *unused) {
    (void)unused;
    store_object *self = (store_object *)object;
    if (!store_enter(self))
        return NULL;
    rows found = {.id_count = 1, .number_count = 3};
    PyThreadState *thread = PyEval_SaveThread();
    int code = lesson_store_owners(self->store, add_owner, &found);
    PyEval_RestoreThread(thread);
    PyObject *list = rows_finish(&found, self->state, code, make_owner);
    store_leave(self);
    return list;
}

/* ---- Bans */

static bool add_banned(const lesson_store_banned *banned, void *context) {
    const row added = {.ids = {banned->uid}, .numbers = {banned->left_ms}};
    return rows_add(context, &added);
}

static PyObject *make_banned(module_state *state, const row *made) {
    PyObject *fields[] = {id_object(made->ids[0]), PyLong_FromLongLong(made->numbers[0])};
    return named_tuple(state, MODULE_BANNED, fields, sizeof fields / sizeof *fields);
}

PyObject *store_bans(PyObject *object, PyObject *lesson_id) {
    store_object *self = (store_object *)object;
    keeper kept = {.count = 0};
    const char *text = NULL;
    PyObject *list = NULL;
    if (text_from(self->state, "lesson_id", lesson_id, false, &text, &kept) && store_enter(self)) {
        rows found = {.id_count = 1, .number_count = 1};
        PyThreadState *thread = PyEval_SaveThread();
        int code = lesson_store_bans(self->store, text, add_banned, &found);
        PyEval_RestoreThread(thread);
        list = rows_finish(&found, self->state, code, make_banned);
        store_leave(self);
    }
    keeper_release(&kept);
    return list;
}
