/* C values of Python's: ids, numbers and operations. */
#include "module.h"

void keeper_release(keeper *kept) {
    for (size_t i = 0; i < kept->count; i++)
        Py_DECREF(kept->objects[i]);
    kept->count = 0;
}

/* Takes the reference. */
static bool keep(keeper *kept, PyObject *object) {
    if (kept->count == IDS_MAX) {
        Py_DECREF(object);
        PyErr_SetString(PyExc_SystemError, "too many ids in one operation");
        return false;
    }
    kept->objects[kept->count++] = object;
    return true;
}

static bool bytes_of(PyObject *value, const char **data, Py_ssize_t *size) {
    if (PyUnicode_Check(value)) {
        *data = PyUnicode_AsUTF8AndSize(value, size);
        return *data != NULL;
    }
    char *bytes = NULL;
    if (PyBytes_AsStringAndSize(value, &bytes, size) < 0)
        return false;
    *data = bytes;
    return true;
}

bool id_from(PyObject *value, lesson_store_id *id, keeper *kept) {
    if (value == Py_None)
        return true;
    PyObject *object = NULL;
    if (PyUnicode_Check(value) || PyBytes_Check(value))
        object = Py_NewRef(value);
    else if (PyLong_Check(value))
        object = PyObject_Str(value);
    else
        PyErr_Format(PyExc_TypeError, "an id is a str, bytes or an int, not %R", (PyObject *)Py_TYPE(value));
    if (!object || !keep(kept, object))
        return false;
    const char *data = NULL;
    Py_ssize_t size = 0;
    if (!bytes_of(object, &data, &size))
        return false;
    id->data = data;
    id->size = (size_t)size;
    return true;
}

bool text_from(module_state *state, const char *what, PyObject *value, bool may_miss, const char **text, keeper *kept) {
    lesson_store_id id = {NULL, 0};
    *text = NULL;
    if (!id_from(value, &id, kept))
        return false;
    if (!id.data && may_miss)
        return true;
    int code = lesson_store_id_check(what, id); /* so it holds no NUL, and CPython ends it with one */
    if (code)
        raise_code(state, code, NULL);
    *text = id.data;
    return !code;
}

bool uint32_from(PyObject *value, uint32_t *number) {
    unsigned long long wide = PyLong_AsUnsignedLongLong(value);
    if (wide == (unsigned long long)-1 && PyErr_Occurred())
        return false;
    if (wide > UINT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the number has more than 32 bits");
        return false;
    }
    *number = (uint32_t)wide;
    return true;
}

bool size_from(PyObject *value, size_t *number) {
    *number = PyLong_AsSize_t(value);
    return *number != (size_t)-1 || !PyErr_Occurred();
}

static bool int64_from(PyObject *value, int64_t *number) {
    if (value == Py_None)
        return true;
    *number = PyLong_AsLongLong(value);
    return *number != -1 || !PyErr_Occurred();
}

/* Reads a status, and sets its bit in `given`. */
static bool status_from(PyObject *value, int32_t *status, uint32_t bit, uint32_t *given) {
    if (value == Py_None)
        return true;
    int64_t number = 0;
    if (!int64_from(value, &number))
        return false;
    if (number < INT32_MIN || number > INT32_MAX) {
        PyErr_SetString(PyExc_OverflowError, "the status has more than 32 bits");
        return false;
    }
    *status = (int32_t)number;
    *given |= bit;
    return true;
}

static bool capacity_from(PyObject *value, lesson_store_operation *operation) {
    if (value == Py_None)
        return true;
    unsigned long long capacity = PyLong_AsUnsignedLongLong(value);
    if (capacity == (unsigned long long)-1 && PyErr_Occurred())
        return false;
    operation->capacity = capacity;
    operation->given |= LESSON_STORE_GIVEN_CAPACITY;
    return true;
}

static bool field_from(Py_ssize_t index, PyObject *value, lesson_store_operation *operation, keeper *kept) {
    switch (index) {
    case 0:
        return uint32_from(value, &operation->kind);
    case 1:
        return uint32_from(value, &operation->flags);
    case 2:
        return id_from(value, &operation->uid, kept);
    case 3:
        return id_from(value, &operation->course_id, kept);
    case 4:
        return id_from(value, &operation->lesson_id, kept);
    case 5:
        return id_from(value, &operation->session, kept);
    case 6:
        return id_from(value, &operation->if_session, kept);
    case 7:
        return id_from(value, &operation->owner, kept);
    case 8:
        return status_from(value, &operation->course_status, LESSON_STORE_GIVEN_COURSE_STATUS, &operation->given);
    case 9:
        return status_from(value, &operation->chat_status, LESSON_STORE_GIVEN_CHAT_STATUS, &operation->given);
    case 10:
        return status_from(value, &operation->if_course_status, LESSON_STORE_GIVEN_IF_COURSE_STATUS, &operation->given);
    case 11:
        return status_from(value, &operation->if_chat_status, LESSON_STORE_GIVEN_IF_CHAT_STATUS, &operation->given);
    case 12:
        return capacity_from(value, operation);
    case 13:
        return int64_from(value, &operation->lease_ms);
    default:
        return int64_from(value, &operation->ban_ms);
    }
}

bool operation_from(PyObject *const *fields, Py_ssize_t count, lesson_store_operation *operation, keeper *kept) {
    memset(operation, 0, sizeof *operation);
    if (count < 1 || count > OPERATION_FIELDS) {
        PyErr_Format(PyExc_TypeError, "an operation has 1 to %d fields, not %zd", OPERATION_FIELDS, count);
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!field_from(i, fields[i], operation, kept))
            return false;
    }
    return true;
}

bool operation_from_tuple(PyObject *tuple, lesson_store_operation *operation, keeper *kept) {
    if (!PyTuple_Check(tuple)) {
        PyErr_Format(PyExc_TypeError, "an operation is a lessonstore.Operation, not %R", (PyObject *)Py_TYPE(tuple));
        return false;
    }
    PyObject *fields[OPERATION_FIELDS];
    Py_ssize_t count = PyTuple_Size(tuple);
    for (Py_ssize_t i = 0; i < count && i < OPERATION_FIELDS; i++)
        fields[i] = PyTuple_GetItem(tuple, i);
    return operation_from(fields, count, operation, kept);
}

bool operation_has_place(const lesson_store_operation *operation) {
    switch (operation->kind) {
    case LESSON_STORE_OPERATION_GET_LESSON:
    case LESSON_STORE_OPERATION_JOIN:
    case LESSON_STORE_OPERATION_QUIT:
    case LESSON_STORE_OPERATION_WHERE:
    case LESSON_STORE_OPERATION_BAN:
        return true;
    default:
        return false;
    }
}

bool arguments_are(Py_ssize_t count, Py_ssize_t expected) {
    if (count == expected)
        return true;
    PyErr_Format(PyExc_TypeError, "%zd arguments, not %zd", count, expected);
    return false;
}
