/* The module: its state, its functions, and how it begins and ends. */
#include "module.h"

/* ---- Functions */

static PyObject *module_make_owner(PyObject *module, PyObject *name) {
    module_state *state = PyModule_GetState(module);
    keeper kept = {.count = 0};
    const char *text = NULL;
    PyObject *made = NULL;
    if (text_from(state, "name", name, false, &text, &kept)) {
        char owner[LESSON_STORE_ID_MAX + 1];
        int code = lesson_store_make_owner(owner, text);
        made = code ? raise_code(state, code, NULL) : PyUnicode_FromString(owner);
    }
    keeper_release(&kept);
    return made;
}

/* check_id(what, value): raises if the value is no id. */
static PyObject *module_check_id(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    module_state *state = PyModule_GetState(module);
    keeper kept = {.count = 0};
    const char *text = NULL;
    const char *what = NULL;
    bool is_id = arguments_are(count, 2) && text_from(state, "what", arguments[0], false, &what, &kept) &&
                 text_from(state, what, arguments[1], false, &text, &kept);
    keeper_release(&kept);
    return is_id ? Py_NewRef(Py_None) : NULL;
}

static PyMethodDef functions[] = {
    {"open", FAST_METHOD(store_open), METH_FASTCALL, NULL},
    {"make_owner", module_make_owner, METH_O, NULL},
    {"check_id", FAST_METHOD(module_check_id), METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

/* ---- Beginning */

static bool take_types(module_state *state) {
    static const char *const names[MODULE_TYPES] = {
#define MODULE_TYPE_NAME(member, name) name,
        MODULE_TYPE_MAP(MODULE_TYPE_NAME)
#undef MODULE_TYPE_NAME
    };
    PyObject *module = PyImport_ImportModule("lessonstore._types");
    for (int i = 0; module && i < MODULE_TYPES; i++) {
        state->types[i] = PyObject_GetAttrString(module, names[i]);
        if (!state->types[i])
            Py_CLEAR(module);
    }
    bool is_whole = module != NULL;
    Py_XDECREF(module);
    return is_whole;
}

static bool add_member(PyObject *members, PyObject *member) {
    PyObject *number = PyNumber_Long(member);
    bool is_added = number && PyDict_SetItem(members, number, member) == 0;
    Py_XDECREF(number);
    return is_added;
}

/* NULL: an exception is set. */
static PyObject *members_by_number(PyObject *enumeration) {
    PyObject *members = PyDict_New();
    PyObject *each = members ? PyObject_GetIter(enumeration) : NULL;
    PyObject *member = NULL;
    bool is_whole = each != NULL;
    while (is_whole && (member = PyIter_Next(each)) != NULL) {
        is_whole = add_member(members, member);
        Py_DECREF(member);
    }
    if (!is_whole || PyErr_Occurred())
        Py_CLEAR(members);
    Py_XDECREF(each);
    return members;
}

static bool take_members(module_state *state) {
    for (int type = MODULE_ENUMERATIONS_BEGIN; type < MODULE_ENUMERATIONS_END; type++) {
        state->members[type] = members_by_number(state->types[type]);
        if (!state->members[type])
            return false;
    }
    return true;
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type && PyModule_AddType(module, (PyTypeObject *)type) < 0)
        Py_CLEAR(type);
    return (PyTypeObject *)type;
}

static bool add_types(PyObject *module, module_state *state) {
    state->store_type = add_type(module, &store_spec);
    state->cursor_type = add_type(module, &cursor_spec);
    state->feed_type = add_type(module, &feed_spec);
    state->executor_type = add_type(module, &executor_spec);
    return state->store_type && state->cursor_type && state->feed_type && state->executor_type;
}

/* For lessonstore._types, which repeats these numbers, and for a test that compares them. */
static PyObject *code_names(void) {
    PyObject *names = PyDict_New();
#define CODE_NAME(name, value, text)                                   \
    if (names) {                                                       \
        PyObject *number = PyLong_FromLong(value);                     \
        if (!number || PyDict_SetItemString(names, #name, number) < 0) \
            Py_CLEAR(names);                                           \
        Py_XDECREF(number);                                            \
    }
    LESSON_STORE_CODE_MAP(CODE_NAME)
#undef CODE_NAME
    return names;
}

static bool add_constants(PyObject *module) {
    PyObject *names = code_names();
    bool is_added = names && PyModule_AddObjectRef(module, "codes", names) == 0;
    Py_XDECREF(names);
    return is_added && PyModule_AddStringConstant(module, "version", lesson_store_version()) == 0 &&
           PyModule_AddIntConstant(module, "PAGE_MAX", LESSON_STORE_PAGE_MAX) == 0 &&
           PyModule_AddIntConstant(module, "BATCH_MAX", LESSON_STORE_BATCH_MAX) == 0 &&
           PyModule_AddIntConstant(module, "PENDING_MAX", LESSON_STORE_EXECUTOR_PENDING_MAX) == 0;
}

static int execute(PyObject *module) {
    module_state *state = PyModule_GetState(module);
    state->make_tuple = (newfunc)(uintptr_t)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    bool is_whole = take_types(state) && take_members(state) && add_types(module, state) && add_constants(module);
    return is_whole ? 0 : -1;
}

/* ---- Ending */

static int visit_all(PyObject *const *objects, int count, visitproc visit, void *arg) {
    for (int i = 0; i < count; i++)
        Py_VISIT(objects[i]);
    return 0;
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    const module_state *state = PyModule_GetState(module);
    PyObject *const types[] = {(PyObject *)state->store_type, (PyObject *)state->cursor_type,
                               (PyObject *)state->feed_type, (PyObject *)state->executor_type};
    int result = visit_all(state->types, MODULE_TYPES, visit, arg);
    result = result ? result : visit_all(state->members, MODULE_TYPES, visit, arg);
    return result ? result : visit_all(types, sizeof types / sizeof *types, visit, arg);
}

static void clear_all(PyObject **objects, int count) {
    for (int i = 0; i < count; i++)
        Py_CLEAR(objects[i]);
}

static int clear(PyObject *module) {
    module_state *state = PyModule_GetState(module);
    clear_all(state->types, MODULE_TYPES);
    clear_all(state->members, MODULE_TYPES);
    Py_CLEAR(state->store_type);
    Py_CLEAR(state->cursor_type);
    Py_CLEAR(state->feed_type);
    Py_CLEAR(state->executor_type);
    return 0;
}

static void free_state(void *module) {
    clear(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, SLOT_FUNCTION(execute)},
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "lessonstore._lessonstore",
    .m_size = sizeof(module_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_state,
};

PyMODINIT_FUNC PyInit__lessonstore(void);

PyMODINIT_FUNC PyInit__lessonstore(void) {
    return PyModuleDef_Init(&definition);
}
