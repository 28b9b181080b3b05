/*
 * Imports: JSON lines into a memory store. If every line is valid, the store holds what the lines state, one after
 * another, and importing its export gives the same. Otherwise the first invalid line is named, and nothing has changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "model.h"
#include "record.h"

/* Returns the text of a field, NULL if it is missing. `*sound` becomes false if the text is no id. */
static const char *id_of(const json_t *json, const char *name, bool *sound) {
    const json_t *value = json_object_get(json, name);
    *sound = *sound && (!value || fuzz_is_id(json_string_value(value), json_string_length(value)));
    return json_string_value(value);
}

static const char *word_of(const json_t *json, const char *name, const char *words, bool *sound) {
    const json_t *value = json_object_get(json, name);
    char framed[64];
    if (!value)
        return NULL;
    *sound = *sound && json_is_string(value) && json_string_length(value) == strlen(json_string_value(value)) &&
             snprintf(framed, sizeof framed, " %s ", json_string_value(value)) < (int)sizeof framed &&
             !strchr(json_string_value(value), ' ') && strstr(words, framed);
    return json_string_value(value);
}

static json_int_t capacity_of(const json_t *json, bool *sound) {
    const json_t *value = json_object_get(json, "capacity");
    json_int_t number = json_integer_value(value);
    *sound = *sound && (!value || (json_is_integer(value) && number >= 0 && number <= 1000000000));
    return number;
}

static bool has_only(json_t *json, const char *fields) {
    const char *name;
    json_t *value;
    json_object_foreach(json, name, value) {
        char framed[64];
        if (snprintf(framed, sizeof framed, " %s ", name) >= (int)sizeof framed || strchr(name, ' ') ||
            !strstr(fields, framed))
            return false;
    }
    return true;
}

static bool apply_lesson(fuzz_model *model, json_t *json) {
    bool sound = has_only(json, " type lesson_id course_status chat_status course_id capacity ");
    const char *lesson_id = id_of(json, "lesson_id", &sound), *course_id = id_of(json, "course_id", &sound);
    json_int_t capacity = capacity_of(json, &sound);
    const char *course = word_of(json, "course_status", " offline online cantjoinin waiting ", &sound);
    const char *chat = word_of(json, "chat_status", " free banned ", &sound);
    if (!sound || !lesson_id)
        return false;
    fuzz_model_set(model, lesson_id, course ? course : "waiting", chat ? chat : "free", course_id, capacity);
    return true;
}

static bool apply_user(fuzz_model *model, json_t *json) {
    bool sound = has_only(json, " type uid course_id lesson_id session ");
    const char *uid = id_of(json, "uid", &sound), *course_id = id_of(json, "course_id", &sound);
    const char *lesson_id = id_of(json, "lesson_id", &sound), *session = id_of(json, "session", &sound);
    if (!sound || !uid || !lesson_id)
        return false;
    fuzz_model_join(model, uid, course_id ? course_id : "-", lesson_id, session);
    return true;
}

static bool apply(fuzz_model *model, fuzz_input line) {
    if (line.size + 1 >= RECORD_LINE_SIZE)
        return false;
    json_t *json = json_loadb((const char *)line.data, line.size, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(json, "type"));
    bool sound = false;
    if (type && strcmp(type, "lesson") == 0)
        sound = apply_lesson(model, json);
    else if (type && strcmp(type, "user") == 0)
        sound = apply_user(model, json);
    json_decref(json);
    return sound;
}

/* Returns the number of the first malformed line, or 0. */
static size_t apply_all(fuzz_model *model, fuzz_input lines) {
    for (size_t number = 1; lines.size > 0; number++) {
        if (!apply(model, fuzz_take_part(&lines, '\n')))
            return number;
    }
    return 0;
}

static const char *const command[] = {"import", NULL};

static void judge_round_trip(const char *exported) {
    lesson_store *store = fuzz_open_memory();
    fuzz_run run = fuzz_run_command(store, command, exported, strlen(exported));
    REQUIRE(run.status == 0);
    char *again = fuzz_export(store);
    REQUIRE(strcmp(again, exported) == 0);
    free(again);
    fuzz_end_run(&run);
    lesson_store_close(store);
}

static void judge_sound(lesson_store *store, const fuzz_run *run, const fuzz_model *model) {
    char *ours = fuzz_export(store), *reference = fuzz_model_export(model);
    REQUIRE(run->status == 0 && !*run->err);
    REQUIRE(strcmp(ours, reference) == 0);
    judge_round_trip(ours);
    free(ours);
    free(reference);
}

static void judge_malformed(lesson_store *store, const fuzz_run *run, size_t line) {
    char expected[64];
    REQUIRE(run->status == 2);
    snprintf(expected, sizeof expected, "import: standard input: line %zu: ", line);
    REQUIRE(strstr(run->err, expected));
    char *ours = fuzz_export(store);
    REQUIRE(!*ours);
    free(ours);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_model model;
    fuzz_model_begin(&model);
    size_t malformed = apply_all(&model, (fuzz_input){data, size});
    lesson_store *store = fuzz_open_memory();
    fuzz_run run = fuzz_run_command(store, command, data, size);
    fuzz_require_run(&run);
    if (malformed)
        judge_malformed(store, &run, malformed);
    else
        judge_sound(store, &run, &model);
    fuzz_end_run(&run);
    fuzz_model_end(&model);
    lesson_store_close(store);
    return 0;
}
