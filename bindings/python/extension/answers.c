/* The outcome of an operation, and the exception of a code. */
#include "module.h"

static bool is_kind(const lesson_store_operation *operation, uint32_t kind, int code) {
    return operation->kind == kind && operation->code == code;
}

/* The place is written with these answers only. */
static PyObject *place_of(module_state *state, const lesson_store_operation *operation) {
    int code = operation->code;
    bool is_there = false;
    switch (operation->kind) {
    case LESSON_STORE_OPERATION_JOIN:
        is_there = code == LESSON_STORE_OK || code == LESSON_STORE_REFUSED || code == LESSON_STORE_CONFLICT;
        break;
    case LESSON_STORE_OPERATION_QUIT:
        is_there = code == LESSON_STORE_OK || code == LESSON_STORE_CONFLICT;
        break;
    case LESSON_STORE_OPERATION_WHERE:
        is_there = code == LESSON_STORE_OK;
        break;
    case LESSON_STORE_OPERATION_BAN:
        is_there = code == LESSON_STORE_OK && operation->flags & LESSON_STORE_BAN_KICK;
        break;
    default:
        break;
    }
    return is_there && operation->place ? place_object(state, operation->place) : Py_NewRef(Py_None);
}

static PyObject *lesson_of(module_state *state, const lesson_store_operation *operation) {
    if (!is_kind(operation, LESSON_STORE_OPERATION_GET_LESSON, LESSON_STORE_OK))
        return Py_NewRef(Py_None);
    return lesson_object(state, &operation->lesson);
}

static bool has_count(const lesson_store_operation *operation) {
    if (is_kind(operation, LESSON_STORE_OPERATION_JOIN, LESSON_STORE_REFUSED))
        return operation->refused_by == LESSON_STORE_JOIN_IF_ROOM;
    return is_kind(operation, LESSON_STORE_OPERATION_END, LESSON_STORE_OK) ||
           is_kind(operation, LESSON_STORE_OPERATION_BAN, LESSON_STORE_OK) ||
           is_kind(operation, LESSON_STORE_OPERATION_COUNT_MEMBERS, LESSON_STORE_OK);
}

static PyObject *arrival_of(module_state *state, const lesson_store_operation *operation) {
    if (!is_kind(operation, LESSON_STORE_OPERATION_JOIN, LESSON_STORE_OK))
        return Py_NewRef(Py_None);
    return enumeration_object(state, MODULE_ARRIVAL, operation->arrival);
}

static PyObject *refused_by_of(module_state *state, const lesson_store_operation *operation) {
    if (!is_kind(operation, LESSON_STORE_OPERATION_JOIN, LESSON_STORE_REFUSED))
        return Py_NewRef(Py_None);
    return enumeration_object(state, MODULE_FLAG, operation->refused_by);
}

static PyObject *message_of(const lesson_store_operation *operation) {
    if (operation->code >= 0)
        return Py_NewRef(Py_None);
    const char *message =
        operation->message && operation->message[0] ? operation->message : lesson_store_code_text(operation->code);
    return PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
}

PyObject *outcome_object(module_state *state, const lesson_store_operation *operation) {
    bool has_statuses = is_kind(operation, LESSON_STORE_OPERATION_SET, LESSON_STORE_CONFLICT);
    PyObject *fields[] = {
        code_object(state, operation->code),
        place_of(state, operation),
        lesson_of(state, operation),
        number_or_none((int64_t)operation->count, has_count(operation)),
        arrival_of(state, operation),
        refused_by_of(state, operation),
        course_status_object(state, has_statuses ? operation->lesson.course_status : LESSON_STORE_STATUS_NONE),
        chat_status_object(state, has_statuses ? operation->lesson.chat_status : LESSON_STORE_STATUS_NONE),
        message_of(operation),
    };
    return named_tuple(state, MODULE_OUTCOME, fields, sizeof fields / sizeof *fields);
}

PyObject *raise_code(module_state *state, int code, const char *message) {
    if (!message)
        message = lesson_store_message();
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *error = text ? PyObject_CallFunction(state->types[MODULE_ERROR_OF], "iO", code, text) : NULL;
    if (error)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(text);
    return NULL;
}
