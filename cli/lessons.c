/* The commands on lessons. In JSON, the "code" of a single call is the name of the library's code. */
#include "batch.h"

static const char *said(const char *word) {
    return word ? word : "absent";
}

int command_end(struct call *call) {
    const char *lesson_id = call->arguments[0];
    uint32_t flags = option_given(call, OPTION_RECORD_ONLY) ? LESSON_STORE_END_RECORD_ONLY : 0;
    uint64_t left = 0;
    int code = lesson_store_end(call->store, lesson_id, flags, &left);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", lesson_id)),
                             field_only_json(field_number("left", left))};
    output_row(&call->output, answer, code == LESSON_STORE_OK ? 3 : 2);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the lesson \"%s\" has no record%s", lesson_id, flags ? "" : " and no members");
    else
        note(call, "the lesson \"%s\" has ended for %llu users", lesson_id, (unsigned long long)left);
    return exit_status_of(code);
}

/* ---- Writing records */

typedef bool (*status_reader)(struct fault *fault, const char *what, const char *word, int *status);

static int read_statuses(const struct call *call, lesson_store_operation *operation) {
    const struct {
        const char *name;
        int option;
        uint32_t bit;
        status_reader read;
        int32_t *status;
    } statuses[] = {
        {"--course-status", OPTION_COURSE_STATUS, LESSON_STORE_GIVEN_COURSE_STATUS, fault_read_course_status,
         &operation->course_status},
        {"--chat-status", OPTION_CHAT_STATUS, LESSON_STORE_GIVEN_CHAT_STATUS, fault_read_chat_status,
         &operation->chat_status},
        {"--if-course-status", OPTION_IF_COURSE_STATUS, LESSON_STORE_GIVEN_IF_COURSE_STATUS, fault_read_course_status,
         &operation->if_course_status},
        {"--if-chat-status", OPTION_IF_CHAT_STATUS, LESSON_STORE_GIVEN_IF_CHAT_STATUS, fault_read_chat_status,
         &operation->if_chat_status},
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const char *word = call->options.text[statuses[i].option];
        if (!word)
            continue;
        if (!statuses[i].read(&fault, statuses[i].name, word, statuses[i].status))
            return complain_of(call, LESSON_STORE_INVALID, "%s", fault.text);
        operation->given |= statuses[i].bit;
    }
    return EXIT_YES;
}

static int read_capacity(const struct call *call, lesson_store_operation *operation) {
    int64_t capacity = 0;
    if (!option_given(call, OPTION_CAPACITY))
        return EXIT_YES;
    if (!option_number(call, OPTION_CAPACITY, "capacity", 0, LESSON_STORE_CAPACITY_MAX, &capacity))
        return EXIT_USAGE;
    operation->capacity = (uint64_t)capacity;
    operation->given |= LESSON_STORE_GIVEN_CAPACITY;
    return EXIT_YES;
}

static int read_numbers(const struct call *call, lesson_store_operation *operation) {
    int status = read_statuses(call, operation);
    return status ? status : read_capacity(call, operation);
}

int command_create(struct call *call) {
    const char *lesson_id = call->arguments[0];
    lesson_store_operation create = {.kind = LESSON_STORE_OPERATION_CREATE};
    create.lesson_id = lesson_store_id_of(lesson_id);
    create.course_id = lesson_store_id_of(call->options.text[OPTION_COURSE]);
    create.flags = option_given(call, OPTION_RESET) ? LESSON_STORE_CREATE_RESET : 0;
    int status = read_numbers(call, &create);
    if (status)
        return status;
    int code = batch_of_one(call, &create);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", lesson_id))};
    output_row(&call->output, answer, 2);
    if (code == LESSON_STORE_EXISTS)
        complain_of(call, code, "the lesson \"%s\" exists already", lesson_id);
    return exit_status_of(code);
}

/* All numbers and both expectations are one operation, and so one atomic step. */
int command_set(struct call *call) {
    lesson_store_operation set = {.kind = LESSON_STORE_OPERATION_SET};
    set.lesson_id = lesson_store_id_of(call->arguments[0]);
    if (!option_given(call, OPTION_COURSE_STATUS) && !option_given(call, OPTION_CHAT_STATUS) &&
        !option_given(call, OPTION_CAPACITY)) {
        int status = complain_of(call, LESSON_STORE_INVALID, "give --course-status, --chat-status or --capacity");
        print_usage(call->program, call->command);
        return status;
    }
    int status = read_numbers(call, &set);
    if (status)
        return status;
    int code = batch_of_one(call, &set);
    if (code < 0)
        return report_failure(call, NULL, code);
    const char *course = lesson_store_course_status_word(set.lesson.course_status);
    const char *chat = lesson_store_chat_status_word(set.lesson.chat_status);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", call->arguments[0])),
                             field_only_json(field_text("course_status", course)),
                             field_only_json(field_text("chat_status", chat))};
    output_row(&call->output, answer, code == LESSON_STORE_CONFLICT ? 4 : 2);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the lesson \"%s\" has no record", call->arguments[0]);
    else if (code == LESSON_STORE_CONFLICT)
        complain_of(call, code, "the lesson \"%s\" has another state than expected: course status %s, chat status %s",
                    call->arguments[0], said(course), said(chat));
    return exit_status_of(code);
}

/* ---- Reading */

#define LESSON_FIELDS 7
#define FIELDS_OF_EVERY_LESSON 5

static void describe_lesson(const lesson_store_lesson *lesson, struct field fields[LESSON_FIELDS]) {
    fields[0] = field_id("lesson_id", lesson->lesson_id);
    fields[1] = field_text("course_status", lesson_store_course_status_word(lesson->course_status));
    fields[2] = field_text("chat_status", lesson_store_chat_status_word(lesson->chat_status));
    fields[3] = field_number("count", lesson->member_count);
    fields[4] = field_only_json(field_bool("has_record", lesson->has_record));
    fields[5] = field_id("course_id", lesson->course_id);
    fields[6] = field_capacity(lesson->capacity);
}

/* Scripts for version 0.1 know four columns, so only a lesson with more facts than that version knew has more. */
static size_t shown_fields(const lesson_store_lesson *lesson) {
    if (lesson->capacity > 0)
        return LESSON_FIELDS;
    return lesson->course_id.size > 0 ? FIELDS_OF_EVERY_LESSON + 1 : FIELDS_OF_EVERY_LESSON;
}

int command_show(struct call *call) {
    lesson_store_place place;
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON, .place = &place};
    get.lesson_id = lesson_store_id_of(call->arguments[0]);
    int code = batch_of_one(call, &get);
    if (code < 0)
        return report_failure(call, NULL, code);
    if (code == LESSON_STORE_OK) {
        struct field answer[1 + LESSON_FIELDS] = {field_code(code)};
        describe_lesson(&get.lesson, answer + 1);
        output_row(&call->output, answer, 1 + shown_fields(&get.lesson));
        return EXIT_YES;
    }
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", call->arguments[0]))};
    output_row(&call->output, answer, 2);
    complain_of(call, code, "the lesson \"%s\" has no record and no members", call->arguments[0]);
    return exit_status_of(code);
}

int command_count(struct call *call) {
    uint64_t count = 0;
    int code = lesson_store_count_members(call->store, call->arguments[0], &count);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", call->arguments[0])),
                             field_number("count", count)};
    output_row(&call->output, answer, 3);
    return exit_status_of(code);
}

static bool print_member(const lesson_store_id *uid, void *context) {
    struct field row = field_id("uid", *uid);
    return output_row(context, &row, 1);
}

int command_members(struct call *call) {
    output_sort(&call->output);
    int code = lesson_store_members(call->store, call->arguments[0], print_member, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}

static bool print_lesson(const lesson_store_lesson *lesson, void *context) {
    struct field row[LESSON_FIELDS];
    describe_lesson(lesson, row);
    /* All lines of a list have the same columns. */
    for (size_t i = FIELDS_OF_EVERY_LESSON; i < LESSON_FIELDS; i++)
        row[i].only_json = true;
    return output_row(context, row, LESSON_FIELDS);
}

int command_lessons(struct call *call) {
    lesson_store_operation asked = {.kind = LESSON_STORE_OPERATION_NONE};
    int status = read_statuses(call, &asked);
    if (status)
        return status;
    const lesson_store_lesson_filter filter = {.course_id = lesson_store_id_of(call->options.text[OPTION_COURSE]),
                                               .given = asked.given,
                                               .course_status = asked.course_status,
                                               .chat_status = asked.chat_status};
    output_sort(&call->output);
    int code = lesson_store_find_lessons(call->store, &filter, print_lesson, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}
