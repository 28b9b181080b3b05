/* Python's values of C ones: ids, statuses, records and events. */
#include "module.h"

PyObject *id_object(lesson_store_id id) {
    if (!id.data)
        return Py_NewRef(Py_None);
    return PyUnicode_DecodeUTF8(id.data, (Py_ssize_t)id.size, "replace"); /* an id is UTF-8, a detail may be anything */
}

PyObject *text_object(const char *text) {
    const lesson_store_id none = {NULL, 0};
    return id_object(text[0] ? lesson_store_id_of(text) : none);
}

PyObject *number_or_none(int64_t number, bool is_there) {
    return is_there ? PyLong_FromLongLong(number) : Py_NewRef(Py_None);
}

PyObject *enumeration_object(module_state *state, int type, int64_t number) {
    PyObject *key = PyLong_FromLongLong(number);
    PyObject *member = key ? PyDict_GetItemWithError(state->members[type], key) : NULL;
    if (!key || (!member && !PyErr_Occurred()))
        return key; /* of a library newer than the binding */
    Py_XINCREF(member);
    Py_DECREF(key);
    return member;
}

PyObject *course_status_object(module_state *state, int32_t status) {
    if (status == LESSON_STORE_STATUS_NONE)
        return Py_NewRef(Py_None);
    return enumeration_object(state, MODULE_COURSE_STATUS, status);
}

PyObject *chat_status_object(module_state *state, int32_t status) {
    if (status == LESSON_STORE_STATUS_NONE)
        return Py_NewRef(Py_None);
    return enumeration_object(state, MODULE_CHAT_STATUS, status);
}

PyObject *code_object(module_state *state, int code) {
    return enumeration_object(state, MODULE_CODE, code);
}

PyObject *named_tuple(module_state *state, int type, PyObject **fields, Py_ssize_t count) {
    PyObject *made = NULL;
    PyObject *arguments = PyTuple_New(1);
    PyObject *values = PyTuple_New(count);
    bool is_whole = arguments && values;
    for (Py_ssize_t i = 0; i < count; i++) {
        is_whole = is_whole && fields[i];
        if (values && fields[i])
            PyTuple_SetItem(values, i, fields[i]);
        else
            Py_XDECREF(fields[i]);
    }
    if (is_whole) {
        PyTuple_SetItem(arguments, 0, values);
        values = NULL;
        made = state->make_tuple((PyTypeObject *)state->types[type], arguments, NULL);
    }
    Py_XDECREF(values);
    Py_XDECREF(arguments);
    return made;
}

PyObject *place_object(module_state *state, const lesson_store_place *place) {
    if (!place->lesson_id[0])
        return Py_NewRef(Py_None);
    PyObject *fields[] = {
        PyUnicode_FromString(place->course_id),
        PyUnicode_FromString(place->lesson_id),
        text_object(place->session),
        text_object(place->owner),
        number_or_none(place->joined_ms, place->joined_ms != 0),
    };
    return named_tuple(state, MODULE_PLACE, fields, sizeof fields / sizeof *fields);
}

PyObject *lesson_object(module_state *state, const lesson_store_lesson *lesson) {
    PyObject *fields[] = {
        id_object(lesson->lesson_id),
        PyLong_FromUnsignedLongLong(lesson->member_count),
        course_status_object(state, lesson->course_status),
        chat_status_object(state, lesson->chat_status),
        PyBool_FromLong(lesson->has_record),
        id_object(lesson->course_id),
        number_or_none((int64_t)lesson->capacity, lesson->capacity != 0),
    };
    return named_tuple(state, MODULE_LESSON, fields, sizeof fields / sizeof *fields);
}

PyObject *user_object(module_state *state, const lesson_store_user *user) {
    PyObject *fields[] = {
        id_object(user->uid),     id_object(user->course_id), id_object(user->lesson_id),
        id_object(user->session), id_object(user->owner),     number_or_none(user->joined_ms, user->joined_ms != 0),
    };
    return named_tuple(state, MODULE_USER, fields, sizeof fields / sizeof *fields);
}

PyObject *event_object(module_state *state, const lesson_store_event *event) {
    bool has_course_status = event->given & LESSON_STORE_GIVEN_COURSE_STATUS;
    bool has_chat_status = event->given & LESSON_STORE_GIVEN_CHAT_STATUS;
    PyObject *fields[] = {
        enumeration_object(state, MODULE_EVENT_KIND, event->kind),
        enumeration_object(state, MODULE_CAUSE, event->cause),
        PyLong_FromLongLong(event->at_ms),
        id_object(event->lesson_id),
        id_object(event->uid),
        id_object(event->course_id),
        id_object(event->from_lesson_id),
        id_object(event->session),
        id_object(event->owner),
        course_status_object(state, has_course_status ? event->course_status : LESSON_STORE_STATUS_NONE),
        chat_status_object(state, has_chat_status ? event->chat_status : LESSON_STORE_STATUS_NONE),
        number_or_none((int64_t)event->capacity, event->given & LESSON_STORE_GIVEN_CAPACITY),
        number_or_none((int64_t)event->count, event->kind == LESSON_STORE_EVENT_END),
    };
    return named_tuple(state, MODULE_EVENT, fields, sizeof fields / sizeof *fields);
}
