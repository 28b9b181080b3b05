/* The commands on users. */
#include "lessonctl.h"

int command_where(struct call *call) {
    lesson_store_place place = {0};
    int code = lesson_store_where(call->store, call->arguments[0], &place);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("uid", call->arguments[0])),
                             field_text("lesson_id", place.lesson_id), field_text("course_id", place.course_id),
                             field_text("session", place.session)};
    size_t facts = *place.session ? 5 : 4;
    output_row(&call->output, answer, code == LESSON_STORE_OK ? facts : 2);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the user \"%s\" is in no lesson", call->arguments[0]);
    return exit_status_of(code);
}

/* A change prints nothing as text. As JSON it prints the code, and the place of the answer, under names that depend on
 * the kind of answer. */
struct place_names {
    const char *lesson_id;
    const char *course_id;
    const char *session;
};

static const struct place_names place_before = {"before_lesson_id", "before_course_id", "before_session"};
static const struct place_names place_present = {"present_lesson_id", "present_course_id", "present_session"};
static const struct place_names place_left = {"left_lesson_id", "left_course_id", "left_session"};

static void print_change(struct call *call, int code, struct field how, const struct place_names *names,
                         const lesson_store_place *place) {
    struct field answer[] = {field_code(code),
                             field_only_json(field_text("uid", call->arguments[0])),
                             field_only_json(how),
                             field_only_json(field_text(names->lesson_id, place->lesson_id)),
                             field_only_json(field_text(names->course_id, place->course_id)),
                             field_only_json(field_text(names->session, place->session))};
    output_row(&call->output, answer, sizeof answer / sizeof *answer);
}

static const char *arrival_word(uint32_t arrival) {
    switch ((lesson_store_arrival)arrival) {
    case LESSON_STORE_ARRIVAL_NEW:
        return "new";
    case LESSON_STORE_ARRIVAL_MOVED:
        return "moved";
    case LESSON_STORE_ARRIVAL_ALREADY_THERE:
        return "already_there";
    }
    return NULL;
}

static int explain_refusal(const struct call *call, uint32_t refused_by, const lesson_store_place *place) {
    const char *lesson_id = call->arguments[2];
    if (refused_by == LESSON_STORE_JOIN_IF_EXISTS)
        return complain_of(call, LESSON_STORE_REFUSED, "refused by --if-exists: the lesson \"%s\" has no record",
                           lesson_id);
    if (refused_by == LESSON_STORE_JOIN_IF_OPEN)
        return complain_of(call, LESSON_STORE_REFUSED, "refused by --if-open: the lesson \"%s\" is not open",
                           lesson_id);
    return complain_of(call, LESSON_STORE_REFUSED, "refused by --stay: the user \"%s\" is in the lesson \"%s\"",
                       call->arguments[0], place->lesson_id);
}

static const char *refusing_option(uint32_t refused_by) {
    if (refused_by == LESSON_STORE_JOIN_IF_EXISTS)
        return "if-exists";
    return refused_by == LESSON_STORE_JOIN_IF_OPEN ? "if-open" : "stay";
}

static lesson_store_operation join_of(const struct call *call, lesson_store_place *before) {
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.uid = lesson_store_id_of(call->arguments[0]);
    join.course_id = lesson_store_id_of(call->arguments[1]);
    join.lesson_id = lesson_store_id_of(call->arguments[2]);
    join.session = lesson_store_id_of(call->options.text[OPTION_SESSION]);
    join.flags = (option_given(call, OPTION_IF_EXISTS) ? (uint32_t)LESSON_STORE_JOIN_IF_EXISTS : 0) |
                 (option_given(call, OPTION_IF_OPEN) ? (uint32_t)LESSON_STORE_JOIN_IF_OPEN : 0) |
                 (option_given(call, OPTION_STAY) ? (uint32_t)LESSON_STORE_JOIN_STAY : 0);
    join.place = before;
    return join;
}

/* A batch of one, because only an operation names the flag that refused; the single call does not. */
int command_join(struct call *call) {
    lesson_store_place before = {0};
    lesson_store_operation join = join_of(call, &before);
    int code = lesson_store_batch(call->store, &join, 1);
    if (!code)
        code = join.code;
    if (code < 0)
        return report_failure(call, NULL, code);
    if (code == LESSON_STORE_REFUSED) {
        print_change(call, code, field_text("refused_by", refusing_option(join.refused_by)), &place_present, &before);
        return explain_refusal(call, join.refused_by, &before);
    }
    print_change(call, code, field_text("arrival", arrival_word(join.arrival)), &place_before, &before);
    if (join.arrival == LESSON_STORE_ARRIVAL_MOVED)
        note(call, "moved from the lesson \"%s\"", before.lesson_id);
    return exit_status_of(code);
}

int command_quit(struct call *call) {
    const char *lesson_id = call->options.text[OPTION_LESSON];
    const char *uid = call->arguments[0];
    lesson_store_place before = {0};
    int code = lesson_store_quit(call->store, uid, lesson_id, call->options.text[OPTION_SESSION], &before);
    if (code < 0)
        return report_failure(call, NULL, code);
    print_change(call, code, (struct field){.kind = FIELD_ABSENT},
                 code == LESSON_STORE_OK ? &place_left : &place_present, &before);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the user \"%s\" is in no lesson", uid);
    else if (code == LESSON_STORE_CONFLICT && lesson_id && strcmp(lesson_id, before.lesson_id) != 0)
        complain_of(call, code, "the user \"%s\" is in the lesson \"%s\"", uid, before.lesson_id);
    else if (code == LESSON_STORE_CONFLICT)
        complain_of(call, code, "the user \"%s\" is in the lesson with %s session", uid,
                    *before.session ? "another" : "no");
    else
        note(call, "left the lesson \"%s\"", before.lesson_id);
    return exit_status_of(code);
}
