#include "requests.h"

#include <stdio.h>

/* The next word of a line, or "not given". */
static lesson_store_id next_word(char **line) {
    char *word = *line + strspn(*line, " ");
    char *end = word + strcspn(word, " ");
    *line = *end ? end + 1 : end;
    *end = '\0';
    return lesson_store_id_of(*word ? word : NULL);
}

static bool is_word(lesson_store_id word, const char *text) {
    return word.data && strcmp(word.data, text) == 0;
}

bool request_parse(char *line, lesson_store_operation *operation, lesson_store_place *place) {
    lesson_store_id verb = next_word(&line);
    if (is_word(verb, "join"))
        *operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
    else if (is_word(verb, "quit"))
        *operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT};
    else if (is_word(verb, "where"))
        *operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_WHERE};
    else
        return false;
    operation->uid = next_word(&line);
    if (operation->kind == LESSON_STORE_OPERATION_JOIN) {
        operation->course_id = next_word(&line);
        operation->lesson_id = next_word(&line);
    }
    operation->place = place;
    return !next_word(&line).data; /* a request that lacks a word is INVALID */
}

void request_answer(const lesson_store_operation *operation, char answer[REQUEST_ANSWER_SIZE]) {
    if (operation->code < 0)
        snprintf(answer, REQUEST_ANSWER_SIZE, "failed: %s\n", lesson_store_message());
    else if (operation->code > 0)
        snprintf(answer, REQUEST_ANSWER_SIZE, "%s\n", lesson_store_code_text(operation->code));
    else if (operation->kind == LESSON_STORE_OPERATION_WHERE)
        snprintf(answer, REQUEST_ANSWER_SIZE, "%s %s\n", operation->place->lesson_id, operation->place->course_id);
    else
        snprintf(answer, REQUEST_ANSWER_SIZE, "ok\n");
}
