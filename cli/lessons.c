/* The commands on lessons. In each JSON answer of one call, "code" is the name of the library's code. */
#include "input.h"

static const char *said(const char *word) {
    return word ? word : "absent";
}

int command_create(struct call *call) {
    const char *lesson_id = call->arguments[0];
    int code = lesson_store_create(call->store, lesson_id, option_given(call, OPTION_RESET) ? LESSON_STORE_RESET : 0);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", lesson_id))};
    output_row(&call->output, answer, 2);
    if (code == LESSON_STORE_EXISTS)
        complain_of(call, code, "the lesson \"%s\" exists already", lesson_id);
    return exit_status_of(code);
}

int command_end(struct call *call) {
    const char *lesson_id = call->arguments[0];
    uint32_t flags = option_given(call, OPTION_RECORD_ONLY) ? LESSON_STORE_RECORD_ONLY : 0;
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

/* ---- Statuses */

static int read_statuses(const struct call *call, lesson_store_operation *set) {
    char *const *text = call->options.text;
    struct fault fault;
    if (fault_read_course_status(&fault, "--course-status", text[OPTION_COURSE_STATUS], &set->course_status) &&
        fault_read_chat_status(&fault, "--chat-status", text[OPTION_CHAT_STATUS], &set->chat_status) &&
        fault_read_course_status(&fault, "--if-course-status", text[OPTION_IF_COURSE_STATUS], &set->if_course_status) &&
        fault_read_chat_status(&fault, "--if-chat-status", text[OPTION_IF_CHAT_STATUS], &set->if_chat_status))
        return EXIT_YES;
    return complain_of(call, LESSON_STORE_INVALID, "%s", fault.text);
}

/* Both statuses and both expectations are one operation, so that they are one atomic step. */
int command_set(struct call *call) {
    lesson_store_operation set = lesson_store_operation_of(LESSON_STORE_OPERATION_SET);
    set.lesson_id = lesson_store_id_of(call->arguments[0]);
    if (!option_given(call, OPTION_COURSE_STATUS) && !option_given(call, OPTION_CHAT_STATUS)) {
        int status = complain_of(call, LESSON_STORE_INVALID, "give --course-status or --chat-status");
        print_usage(call->program, call->command);
        return status;
    }
    int status = read_statuses(call, &set);
    if (status)
        return status;
    int code = lesson_store_batch(call->store, &set, 1);
    if (!code)
        code = set.code;
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

#define LESSON_FIELDS 5

static void describe_lesson(const lesson_store_lesson *lesson, struct field fields[LESSON_FIELDS]) {
    fields[0] = field_id("lesson_id", lesson->lesson_id);
    fields[1] = field_text("course_status", lesson_store_course_status_word(lesson->course_status));
    fields[2] = field_text("chat_status", lesson_store_chat_status_word(lesson->chat_status));
    fields[3] = field_number("count", lesson->member_count);
    fields[4] = field_only_json(field_bool("has_record", lesson->has_record));
}

int command_show(struct call *call) {
    lesson_store_lesson lesson = {.lesson_id = lesson_store_id_of(call->arguments[0])};
    int code = lesson_store_get_lesson(call->store, call->arguments[0], &lesson);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[1 + LESSON_FIELDS] = {field_code(code)};
    describe_lesson(&lesson, answer + 1);
    if (code == LESSON_STORE_OK) {
        output_row(&call->output, answer, 1 + LESSON_FIELDS);
        return EXIT_YES;
    }
    answer[1].only_json = true;
    output_row(&call->output, answer, 2);
    complain_of(call, code, "the lesson \"%s\" has no record and no members", call->arguments[0]);
    return exit_status_of(code);
}

int command_count(struct call *call) {
    uint64_t count = 0;
    int code = lesson_store_count(call->store, call->arguments[0], &count);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("lesson_id", call->arguments[0])),
                             field_number("count", count)};
    output_row(&call->output, answer, 3);
    return exit_status_of(code);
}

static bool print_member(lesson_store_id uid, void *context) {
    struct field row = field_id("uid", uid);
    return output_row(context, &row, 1);
}

int command_members(struct call *call) {
    int code = lesson_store_members(call->store, call->arguments[0], print_member, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}

static bool print_lesson(const lesson_store_lesson *lesson, void *context) {
    struct field row[LESSON_FIELDS];
    describe_lesson(lesson, row);
    return output_row(context, row, LESSON_FIELDS);
}

int command_lessons(struct call *call) {
    int code = lesson_store_lessons(call->store, print_lesson, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}
