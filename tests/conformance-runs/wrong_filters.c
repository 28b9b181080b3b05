/* Lists with a filter that give too much or too little. */
#include "wrapper.h"
#include "wrong_backends.h"

static int find_any_course(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                           lesson_store_lesson_callback callback, void *context) {
    lesson_store_lesson_filter asked = *filter;
    asked.course_id = lesson_store_id_of(NULL);
    return wrapper_find_lessons(instance, &asked, callback, context);
}

static void find_any_course_table(lesson_store_backend *table) {
    table->find_lessons = find_any_course;
}

static int find_any_status(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                           lesson_store_lesson_callback callback, void *context) {
    lesson_store_lesson_filter asked = *filter;
    asked.given = 0;
    return wrapper_find_lessons(instance, &asked, callback, context);
}

static void find_any_status_table(lesson_store_backend *table) {
    table->find_lessons = find_any_status;
}

static int find_page_any_chat(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                              lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    lesson_store_lesson_filter asked = *filter;
    asked.given &= ~(uint32_t)LESSON_STORE_GIVEN_CHAT_STATUS;
    return wrapper_find_lessons_page(instance, &asked, most, position, callback, context);
}

static void find_page_any_chat_table(lesson_store_backend *table) {
    table->find_lessons_page = find_page_any_chat;
}

struct inhabited {
    lesson_store_lesson_callback callback;
    void *context;
};

static bool give_inhabited(const lesson_store_lesson *lesson, void *context) {
    const struct inhabited *inhabited = context;
    return lesson->member_count == 0 || inhabited->callback(lesson, inhabited->context);
}

static int find_page_of_inhabited(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                                  size_t most, lesson_store_position *position, lesson_store_lesson_callback callback,
                                  void *context) {
    struct inhabited inhabited = {callback, context};
    return wrapper_find_lessons_page(instance, filter, most, position, give_inhabited, &inhabited);
}

static void find_page_of_inhabited_table(lesson_store_backend *table) {
    table->find_lessons_page = find_page_of_inhabited;
}

const wrong_backend wrong_filters[] = {
    {"find-any-course", "FIND-1", "FIND-2", find_any_course_table, NULL},
    {"find-any-status", "FIND-1", "FIND-2 STREAM-1", find_any_status_table, NULL},
    {"find-page-any-chat", "FIND-2", "FIND-1", find_page_any_chat_table, NULL},
    {"find-page-of-inhabited", "FIND-2", "FIND-1", find_page_of_inhabited_table, NULL},
    {.name = NULL},
};
