/* The commands on lessons. In JSON, the "code" of a single call is the name of the library's code. */
#include "input.h"

static const char *said(const char *word) {
    return word ? word : "absent";
}

int command_create(struct call *call) {
    const char *lesson_id = call->arguments[0];
    int code =
        lesson_store_create(call->store, lesson_id, option_given(call, OPTION_RESET) ? LESSON_STORE_CREATE_RESET : 0);
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

/* ---- Statuses */

typedef bool (*status_reader)(struct fault *fault, const char *what, const char *word, int *status);

static int read_statuses(const struct call *call, lesson_store_operation *set) {
    const struct {
        const char *name;
        int option;
        uint32_t bit;
        status_reader read;
        int32_t *status;
    } statuses[] = {
        {"--course-status", OPTION_COURSE_STATUS, LESSON_STORE_GIVEN_COURSE_STATUS, fault_read_course_status,
         &set->course_status},
        {"--chat-status", OPTION_CHAT_STATUS, LESSON_STORE_GIVEN_CHAT_STATUS, fault_read_chat_status,
         &set->chat_status},
        {"--if-course-status", OPTION_IF_COURSE_STATUS, LESSON_STORE_GIVEN_IF_COURSE_STATUS, fault_read_course_status,
         &set->if_course_status},
        {"--if-chat-status", OPTION_IF_CHAT_STATUS, LESSON_STORE_GIVEN_IF_CHAT_STATUS, fault_read_chat_status,
         &set->if_chat_status},
    };
    struct fault fault;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const char *word = call->options.text[statuses[i].option];
        if (!word)
            continue;
        if (!statuses[i].read(&fault, statuses[i].name, word, statuses[i].status))
            return complain_of(call, LESSON_STORE_INVALID, "%s", fault.text);
        set->given |= statuses[i].bit;
    }
    return EXIT_YES;
}

/* Both statuses and both expectations are one operation, and so one atomic step. */
int command_set(struct call *call) {
    lesson_store_operation set = {.kind = LESSON_STORE_OPERATION_SET};
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
