/* Ids: the library's fast checks compared with the slow reference, at every offset and size; and printable text. */
#include <stdio.h>
#include <stdlib.h>

#include "core/core.h"
#include "fuzz.h"

static void judge_id(const char *data, size_t size) {
    bool valid = fuzz_is_id(data, size);
    REQUIRE(lesson_store_id_valid(data, size) == valid);
    REQUIRE(lesson_store_id_check("what", (lesson_store_id){data, size}) ==
            (valid ? LESSON_STORE_OK : LESSON_STORE_INVALID));
    REQUIRE(valid || strncmp(lesson_store_message(), "what ", 5) == 0);

    char field[LESSON_STORE_ID_MAX + 1];
    lesson_store_id_copy(field, (lesson_store_id){data, size});
    bool fits = size <= LESSON_STORE_ID_MAX;
    REQUIRE(memcmp(field, data, fits ? size : 0) == 0 && field[fits ? size : 0] == '\0');
}

/* Each copy is a separate allocation, so that reading a byte before or behind it is caught. */
static void judge_copy(const uint8_t *data, size_t size) {
    char *copy = fuzz_copy(data, size);
    judge_id(copy, size);
    free(copy);
}

static void judge_sequences(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        REQUIRE(lesson_store__utf8_sequence(data + i, size - i) == fuzz_sequence(data + i, size - i));
}

static void judge_printable(const uint8_t *data, size_t size) {
    char *ours = fuzz_copy_text(data, size);
    char *reference = fuzz_copy_text(data, size);
    lesson_store_make_printable(ours);
    fuzz_make_printable(reference);
    REQUIRE(strcmp(ours, reference) == 0);

    /* A message consists of the text's first bytes, and the text is never a format. */
    char cut[LESSON_STORE_MESSAGE_SIZE];
    snprintf(cut, sizeof cut, "%.*s", (int)size, size > 0 ? (const char *)data : "");
    fuzz_make_printable(cut);
    char *text = fuzz_copy_text(data, size);
    REQUIRE(lesson_store_fail(LESSON_STORE_FAILED, "%s", text) == LESSON_STORE_FAILED);
    REQUIRE(strcmp(lesson_store_message(), cut) == 0);
    free(text);
    free(ours);
    free(reference);
}

/* A status is either in the list of words, in both directions, or not at all. */
static void judge_words(const uint8_t *data, size_t size) {
    char *word = fuzz_copy_text(data, size);
    int course = lesson_store_course_status_of(word), chat = lesson_store_chat_status_of(word);
    REQUIRE(course == LESSON_STORE_STATUS_NONE || strcmp(lesson_store_course_status_word(course), word) == 0);
    REQUIRE(chat == LESSON_STORE_STATUS_NONE || strcmp(lesson_store_chat_status_word(chat), word) == 0);
    free(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    judge_copy(data, size);
    for (size_t i = 1; i <= size && i <= 24; i++) {
        judge_copy(data, i);
        judge_copy(data + size - i, i);
    }
    judge_sequences(data, size);
    judge_printable(data, size);
    judge_words(data, size);
    return 0;
}
