#include "model.h"

#include <stdlib.h>

#include "commands.h"

void fuzz_model_begin(fuzz_model *model) {
    *model = (fuzz_model){json_object(), json_object()};
    REQUIRE(model->lessons && model->users);
}

void fuzz_model_end(fuzz_model *model) {
    json_decref(model->lessons);
    json_decref(model->users);
}

void fuzz_model_create(fuzz_model *model, const char *lesson_id) {
    if (!json_object_get(model->lessons, lesson_id))
        fuzz_model_set(model, lesson_id, "waiting", "free", NULL, 0);
}

void fuzz_model_set(fuzz_model *model, const char *lesson_id, const char *course_status, const char *chat_status,
                    const char *course_id, json_int_t capacity) {
    const json_t *before = json_object_get(model->lessons, lesson_id);
    json_t *course = course_id ? json_string(course_id) : json_incref(json_object_get(before, "course_id"));
    json_t *most = capacity > 0 ? json_integer(capacity) : json_incref(json_object_get(before, "capacity"));
    json_t *lesson = json_pack("{ssssssssso*so*}", "type", "lesson", "lesson_id", lesson_id, "course_status",
                               course_status, "chat_status", chat_status, "course_id", course, "capacity", most);
    REQUIRE(json_object_set_new(model->lessons, lesson_id, lesson) == 0);
}

void fuzz_model_join(fuzz_model *model, const char *uid, const char *course_id, const char *lesson_id,
                     const char *session) {
    json_t *user = json_pack("{ssssssss}", "type", "user", "uid", uid, "course_id", course_id, "lesson_id", lesson_id);
    if (session)
        REQUIRE(json_object_set_new(user, "session", json_string(session)) == 0);
    REQUIRE(json_object_set_new(model->users, uid, user) == 0);
}

static bool is_in(const json_t *user, const char *lesson_id) {
    return strcmp(json_string_value(json_object_get(user, "lesson_id")), lesson_id) == 0;
}

void fuzz_model_quit(fuzz_model *model, const char *uid, const char *lesson_id) {
    const json_t *user = json_object_get(model->users, uid);
    if (user && (!lesson_id || is_in(user, lesson_id)))
        json_object_del(model->users, uid);
}

void fuzz_model_end_lesson(fuzz_model *model, const char *lesson_id) {
    const char *uid;
    json_t *user;
    void *next;
    json_object_del(model->lessons, lesson_id);
    json_object_foreach_safe(model->users, next, uid, user) {
        if (is_in(user, lesson_id))
            json_object_del(model->users, uid);
    }
}

static char *add_lines(char *text, json_t *objects) {
    const char *key;
    json_t *object;
    json_object_foreach(objects, key, object) {
        char *line = json_dumps(object, JSON_COMPACT);
        size_t size = strlen(text);
        REQUIRE(line);
        text = realloc(text, size + strlen(line) + 2);
        REQUIRE(text);
        char *end = stpcpy(text + size, line);
        end[0] = '\n';
        end[1] = '\0';
        free(line);
    }
    return text;
}

char *fuzz_model_export(const fuzz_model *model) {
    char *text = add_lines(add_lines(fuzz_copy_text("", 0), model->lessons), model->users);
    char *sorted = fuzz_sorted_lines(text);
    free(text);
    return sorted;
}
