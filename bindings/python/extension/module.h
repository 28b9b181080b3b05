/*
 * The extension module _lessonstore: what its files share.
 *
 * It is the thin part of the Python binding. It makes C values of Python's and Python's of C values, releases the GIL
 * while the library works, and takes care of lifetimes. The package lessonstore, in Python, is what programs see.
 *
 * It uses only the limited interface of CPython, so one file serves every version from 3.11. Its state belongs to the
 * module. All members of its objects are read and written with the GIL held.
 */
#ifndef LESSON_STORE_PYTHON_MODULE_H
#define LESSON_STORE_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <semaphore.h>

#include <lessonstore/executor.h>
#include <lessonstore/feed.h>
#include <lessonstore/figures.h>
#include <lessonstore/lessonstore.h>

/* ---- The module's state (module.c) */

/* What the extension takes from lessonstore._types: X(MEMBER, name). */
#define MODULE_TYPE_MAP(X)           \
    X(PLACE, "Place")                \
    X(LESSON, "Lesson")              \
    X(USER, "User")                  \
    X(OWNER, "Owner")                \
    X(BANNED, "Banned")              \
    X(FINDING, "Finding")            \
    X(EVENT, "Event")                \
    X(OUTCOME, "Outcome")            \
    X(ABILITIES, "Abilities")        \
    X(CODE, "Code")                  \
    X(COURSE_STATUS, "CourseStatus") \
    X(CHAT_STATUS, "ChatStatus")     \
    X(ARRIVAL, "Arrival")            \
    X(FLAG, "Flag")                  \
    X(OWNER_STATE, "OwnerState")     \
    X(FINDING_KIND, "FindingKind")   \
    X(EVENT_KIND, "EventKind")       \
    X(CAUSE, "Cause")                \
    X(ERROR_OF, "error_of")

enum {
#define MODULE_TYPE_ENUM(member, name) MODULE_##member,
    MODULE_TYPE_MAP(MODULE_TYPE_ENUM)
#undef MODULE_TYPE_ENUM
        MODULE_TYPES,
    MODULE_ENUMERATIONS_BEGIN = MODULE_CODE,
    MODULE_ENUMERATIONS_END = MODULE_CAUSE + 1
};

typedef struct module_state {
    PyObject *types[MODULE_TYPES];
    /* Of each enumeration a dict of its members by number: a lookup runs no Python code, so nothing can come between
     * the library's answers and their objects. */
    PyObject *members[MODULE_TYPES];
    PyTypeObject *store_type;
    PyTypeObject *cursor_type;
    PyTypeObject *feed_type;
    PyTypeObject *executor_type;
    newfunc make_tuple; /* of tuple: makes an instance of a named tuple without a call of Python code */
} module_state;

extern PyType_Spec store_spec, cursor_spec, feed_spec, executor_spec;

/* Slots hold functions as `void *`. */
#define SLOT_FUNCTION(function) ((void *)(uintptr_t)(function))
#define FAST_METHOD(function) ((PyCFunction)(void (*)(void))(function))

/* ---- From Python (convert_in.c) */

#define IDS_MAX 6 /* ids in one operation */

/* What keeps borrowed ids alive while the GIL is released. */
typedef struct keeper {
    PyObject *objects[IDS_MAX];
    size_t count;
} keeper;

void keeper_release(keeper *kept);

/* Reads an id: a str, bytes, an int, or None for "not given". False: an exception is set. */
bool id_from(PyObject *value, lesson_store_id *id, keeper *kept);

/* The same for calls that take C strings: valid, and NULL only if the value is None and `may_miss`. */
bool text_from(module_state *state, const char *what, PyObject *value, bool may_miss, const char **text, keeper *kept);

bool uint32_from(PyObject *value, uint32_t *number);
bool size_from(PyObject *value, size_t *number);

#define OPERATION_FIELDS 15

/* Reads an operation from its fields, in the order of lessonstore._types.Operation. Fields after the last are not
 * given. */
bool operation_from(PyObject *const *fields, Py_ssize_t count, lesson_store_operation *operation, keeper *kept);
bool operation_from_tuple(PyObject *tuple, lesson_store_operation *operation, keeper *kept);

/* Returns true if an answer of this operation can have a place. */
bool operation_has_place(const lesson_store_operation *operation);

/* ---- To Python (convert_out.c, answers.c). NULL: an exception is set. */

PyObject *id_object(lesson_store_id id); /* None: not given */
PyObject *text_object(const char *text); /* None for "" */
PyObject *number_or_none(int64_t number, bool is_there);
PyObject *enumeration_object(module_state *state, int type, int64_t number); /* the number itself if it is unknown */
PyObject *course_status_object(module_state *state, int32_t status);
PyObject *chat_status_object(module_state *state, int32_t status);
PyObject *code_object(module_state *state, int code);

/* Makes a named tuple of these objects, whose references it takes, also when it fails. One that is NULL fails. */
PyObject *named_tuple(module_state *state, int type, PyObject **fields, Py_ssize_t count);

PyObject *place_object(module_state *state, const lesson_store_place *place); /* None: in no lesson */
PyObject *lesson_object(module_state *state, const lesson_store_lesson *lesson);
PyObject *user_object(module_state *state, const lesson_store_user *user);
PyObject *event_object(module_state *state, const lesson_store_event *event);
PyObject *outcome_object(module_state *state, const lesson_store_operation *operation);

/* Raises the exception of this code. `message` NULL: lesson_store_message(). Returns NULL. */
PyObject *raise_code(module_state *state, int code, const char *message);

/* ---- Rows (rows.c)
 *
 * What callbacks of lists give is copied, because callbacks run without the GIL, and made into objects afterwards. */
#define ROW_IDS_MAX 5
#define ROW_NUMBERS_MAX 3

typedef struct row {
    lesson_store_id ids[ROW_IDS_MAX];
    int64_t numbers[ROW_NUMBERS_MAX];
} row;

typedef struct rows {
    size_t id_count; /* in each row */
    size_t number_count;
    char *data;
    size_t size;
    size_t capacity;
    bool failed; /* no memory */
} rows;

/* Copies a row. Returns false if there is no memory: the value that a callback returns. */
bool rows_add(rows *from, const row *added);

/* Makes a list with what `make` makes of each row, and frees the rows. If `code` is a failure, or the rows have failed,
 * raises instead. */
typedef PyObject *row_maker(module_state *state, const row *made);
PyObject *rows_finish(rows *from, module_state *state, int code, row_maker *make);

/* ---- The log (log.c)
 *
 * The library tells of an event in the middle of a call, in any thread, without the GIL. So entries wait in a ring, and
 * are passed to Python at the end of the call. */
typedef struct log_ring log_ring;

log_ring *log_ring_make(void); /* NULL: an exception is set */
void log_ring_free(log_ring *ring);
void log_ring_add(const lesson_store_log_entry *added, void *context); /* a lesson_store_log_callback */

/* Calls `tell` for each entry that waits. An exception of it is reported, and the current one is kept. */
void log_ring_pass(log_ring *ring, PyObject *tell);

/* ---- Stores (store.c, lists.c, reports.c) */

typedef struct waiter waiter;

typedef struct store_object {
    PyObject_HEAD module_state *state;
    lesson_store *store;
    size_t calls;    /* that are under way, without the GIL */
    size_t children; /* cursors, feeds and executors that are open */
    bool is_closed;
    pid_t process; /* that opened it */
    waiter *waiters;
    log_ring *ring; /* NULL: no log */
    PyObject *tell;
} store_object;

PyObject *store_open(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* Passes waiting entries of the log to Python. */
void store_pass_log(store_object *self);

/* Begins a call of the store's library: false, and CLOSED is raised, if it is closed. Each that returned true is ended
 * by leave. Between the two the GIL may be released, and the store stays open. */
bool store_enter(store_object *self);
void store_leave(store_object *self);

/* A child keeps the store open in the library, until the last one is gone. */
void store_add_child(store_object *self);
void store_remove_child(store_object *self);

PyObject *store_members(PyObject *object, PyObject *lesson_id);
PyObject *store_sweep(PyObject *object, PyObject *unused);
PyObject *store_drop(PyObject *object, PyObject *owner);
PyObject *store_owners(PyObject *object, PyObject *unused);
PyObject *store_bans(PyObject *object, PyObject *lesson_id);
PyObject *store_check(PyObject *object, PyObject *flags);
PyObject *store_info(PyObject *object, PyObject *unused);
PyObject *store_abilities(PyObject *object, PyObject *unused);
PyObject *store_metrics(PyObject *object, PyObject *const *arguments, Py_ssize_t count);

/* ---- Cursors (cursor.c) */

typedef struct cursor_object {
    PyObject_HEAD module_state *state;
    store_object *store;
    lesson_store_list list;
    keeper kept; /* the ids in `list` */
    lesson_store_cursor *cursor;
    bool is_in_use;
    bool is_closed;
} cursor_object;

PyObject *cursor_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count);

/* Makes a list of the entries of a page. */
PyObject *page_objects(module_state *state, const lesson_store_page *page);

/* ---- Feeds and executors (feed.c, executor.c) */

PyObject *feed_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count);
PyObject *executor_open(PyObject *object, PyObject *const *arguments, Py_ssize_t count);

/* Returns the executor of an object, NULL if it is closed or the object is None. */
lesson_store_executor *executor_handle(module_state *state, PyObject *object);

/* Checks how many arguments a method has. */
bool arguments_are(Py_ssize_t count, Py_ssize_t expected);

#endif
