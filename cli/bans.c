/* The commands on bans. */
#include "lessonctl.h"

static int ask_for_time(const struct call *call) {
    int status = complain_of(call, LESSON_STORE_INVALID, "give --for");
    print_usage(call->program, call->command);
    return status;
}

/* Prints nothing as text. As JSON: the code, the ids, and the place that a kick has ended. */
static int print_answer(struct call *call, int code, const lesson_store_place *left) {
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code),
                             field_only_json(field_text("lesson_id", call->arguments[0])),
                             field_only_json(field_text("uid", call->arguments[1])),
                             field_only_json(field_text("left_lesson_id", left->lesson_id)),
                             field_only_json(field_text("left_course_id", left->course_id)),
                             field_only_json(field_text("left_session", left->session))};
    output_row(&call->output, answer, sizeof answer / sizeof *answer);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the lesson \"%s\" has no record", call->arguments[0]);
    return exit_status_of(code);
}

static const lesson_store_place nowhere;

int command_ban(struct call *call) {
    int64_t ban_ms = 0;
    if (!option_given(call, OPTION_FOR))
        return ask_for_time(call);
    if (!option_duration(call, OPTION_FOR, "for", LESSON_STORE_BAN_MAX_MS, &ban_ms))
        return EXIT_USAGE;
    return print_answer(call, lesson_store_ban(call->store, call->arguments[0], call->arguments[1], ban_ms), &nowhere);
}

int command_kick(struct call *call) {
    lesson_store_place left = nowhere;
    int64_t ban_ms = 0;
    if (!option_given(call, OPTION_FOR))
        return ask_for_time(call);
    if (!option_duration(call, OPTION_FOR, "for", LESSON_STORE_BAN_MAX_MS, &ban_ms))
        return EXIT_USAGE;
    int code = lesson_store_kick(call->store, call->arguments[0], call->arguments[1], ban_ms, &left);
    if (code == LESSON_STORE_OK)
        note(call, *left.lesson_id ? "left the lesson" : "was not in the lesson");
    return print_answer(call, code, &left);
}

int command_unban(struct call *call) {
    return print_answer(call, lesson_store_unban(call->store, call->arguments[0], call->arguments[1]), &nowhere);
}

static bool print_banned(const lesson_store_banned *banned, void *context) {
    struct field row[] = {field_id("uid", banned->uid), field_signed("left_ms", banned->left_ms)};
    return output_row(context, row, sizeof row / sizeof *row);
}

int command_bans(struct call *call) {
    output_sort(&call->output);
    int code = lesson_store_bans(call->store, call->arguments[0], print_banned, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}
