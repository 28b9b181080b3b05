#include "record.h"

struct form {
    const char *type;
    const char *required[4]; /* ended by NULL, as are the other names */
    const char *optional[4];
    const char *numbers[2]; /* optional too */
};

static const struct form forms[] = {
    {"lesson", {"lesson_id"}, {"course_status", "chat_status", "course_id"}, {"capacity"}},
    {"user", {"uid", "lesson_id"}, {"course_id", "session"}, {NULL}},
};

static bool is_among(const char *name, const char *const *names) {
    for (; *names; names++) {
        if (strcmp(name, *names) == 0)
            return true;
    }
    return false;
}

static const struct form *form_of(json_t *json, struct fault *fault) {
    const json_t *type = json_object_get(json, "type");
    if (!json_is_string(type)) {
        fault_set(fault, type ? "\"type\" is not a string" : "\"type\" is missing");
        return NULL;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(json_string_value(type), forms[i].type) == 0)
            return &forms[i];
    }
    fault_set(fault, "the type \"%s\" is neither lesson nor user", json_string_value(type));
    return NULL;
}

static bool check_fields(json_t *json, const struct form *form, struct fault *fault) {
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value) {
        bool is_text = strcmp(name, "type") == 0 || is_among(name, form->required) || is_among(name, form->optional);
        if (!is_text && !is_among(name, form->numbers))
            return fault_set(fault, "a %s has no field \"%s\"", form->type, name);
        if (is_text && !json_is_string(value))
            return fault_set(fault, "\"%s\" is not a string", name);
    }
    for (const char *const *required = form->required; *required; required++) {
        if (!json_object_get(json, *required))
            return fault_set(fault, "\"%s\" is missing", *required);
    }
    return true;
}

static bool read_id(const json_t *json, const char *name, lesson_store_id *id, struct fault *fault) {
    const json_t *value = json_object_get(json, name);
    *id = (lesson_store_id){json_string_value(value), json_string_length(value)};
    return !value || fault_check_id(fault, name, *id);
}

static const char *text_of(const json_t *json, const char *name) {
    return json_string_value(json_object_get(json, name));
}

static bool read_capacity(const json_t *json, uint64_t *capacity, struct fault *fault) {
    const json_t *value = json_object_get(json, "capacity");
    json_int_t number = json_integer_value(value);
    *capacity = (uint64_t)number;
    return !value || (json_is_integer(value) && number >= 0 && number <= LESSON_STORE_CAPACITY_MAX) ||
           fault_set(fault, "\"capacity\" is not a number from 0 to %d", LESSON_STORE_CAPACITY_MAX);
}

static bool read_values(struct record *record, struct fault *fault) {
    const json_t *json = record->json;
    return read_id(json, "uid", &record->uid, fault) && read_id(json, "course_id", &record->course_id, fault) &&
           read_id(json, "lesson_id", &record->lesson_id, fault) && read_id(json, "session", &record->session, fault) &&
           fault_read_course_status(fault, "course_status", text_of(json, "course_status"), &record->course_status) &&
           fault_read_chat_status(fault, "chat_status", text_of(json, "chat_status"), &record->chat_status) &&
           read_capacity(json, &record->capacity, fault);
}

static bool parse_object(struct record *record, struct fault *fault) {
    if (!json_is_object(record->json))
        return fault_set(fault, "it is JSON but not an object");
    const struct form *form = form_of(record->json, fault);
    record->is_user = form == &forms[1];
    return form && check_fields(record->json, form, fault) && read_values(record, fault);
}

bool record_parse(struct record *out, const char *text, size_t size, struct fault *fault) {
    json_error_t error;
    *out = (struct record){.json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error)};
    if (!out->json)
        return fault_set(fault, "not a JSON object: %s", error.text);
    if (parse_object(out, fault))
        return true;
    record_free(out);
    return false;
}

void record_free(struct record *record) {
    json_decref(record->json);
    record->json = NULL;
}

bool record_write_lesson(struct output *output, const lesson_store_lesson *lesson) {
    struct field fields[] = {field_text("type", forms[0].type),
                             field_id("lesson_id", lesson->lesson_id),
                             field_text("course_status", lesson_store_course_status_word(lesson->course_status)),
                             field_text("chat_status", lesson_store_chat_status_word(lesson->chat_status)),
                             field_id("course_id", lesson->course_id),
                             field_capacity(lesson->capacity)};
    return output_row(output, fields, sizeof fields / sizeof *fields);
}

bool record_write_user(struct output *output, const lesson_store_user *user) {
    struct field fields[] = {field_text("type", forms[1].type), field_id("uid", user->uid),
                             field_id("course_id", user->course_id), field_id("lesson_id", user->lesson_id),
                             field_id("session", user->session)};
    return output_row(output, fields, sizeof fields / sizeof *fields);
}
