/* The commands on users. */
#include "batch.h"

int command_where(struct call *call) {
    lesson_store_place place = {0};
    int code = lesson_store_where(call->store, call->arguments[0], &place);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code),
                             field_only_json(field_text("uid", call->arguments[0])),
                             field_text("lesson_id", place.lesson_id),
                             field_text("course_id", place.course_id),
                             field_text("session", place.session),
                             field_only_json(field_text("owner", place.owner)),
                             field_joined_ms(place.joined_ms)};
    answer[4].only_json = *place.session == '\0';
    output_row(&call->output, answer, code == LESSON_STORE_OK ? sizeof answer / sizeof *answer : 2);
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

#define CHANGE_DETAILS 2

static void print_change(struct call *call, int code, const struct field details[CHANGE_DETAILS],
                         const struct place_names *names, const lesson_store_place *place) {
    struct field answer[] = {field_code(code),
                             field_only_json(field_text("uid", call->arguments[0])),
                             field_only_json(details[0]),
                             field_only_json(details[1]),
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

static const struct {
    uint32_t flag;
    enum option option;
    const char *name;
} conditions[] = {
    {LESSON_STORE_JOIN_IF_EXISTS, OPTION_IF_EXISTS, "if-exists"},
    {LESSON_STORE_JOIN_UNLESS_BANNED, OPTION_UNLESS_BANNED, "unless-banned"},
    {LESSON_STORE_JOIN_IF_OPEN, OPTION_IF_OPEN, "if-open"},
    {LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER, OPTION_IF_OPEN_OR_MEMBER, "if-open-or-member"},
    {LESSON_STORE_JOIN_IF_ROOM, OPTION_IF_ROOM, "if-room"},
    {LESSON_STORE_JOIN_STAY, OPTION_STAY, "stay"},
    {LESSON_STORE_JOIN_OR_NOWHERE, OPTION_OR_NOWHERE, "or-nowhere"},
};

#define CONDITIONS (sizeof conditions / sizeof *conditions)

static uint32_t given_flags(const struct call *call) {
    uint32_t flags = 0;
    for (size_t i = 0; i < CONDITIONS; i++)
        flags |= option_given(call, conditions[i].option) ? conditions[i].flag : 0;
    return flags;
}

static const char *name_of_flag(uint32_t flag) {
    if (flag == LESSON_STORE_JOIN_BY_OWNER)
        return "owner";
    for (size_t i = 0; i < CONDITIONS; i++) {
        if (conditions[i].flag == flag)
            return conditions[i].name;
    }
    return NULL;
}

static int explain_no_record(const struct call *call, const lesson_store_operation *join) {
    return complain_of(call, join->code, "refused by --%s: the lesson \"%s\" has no record",
                       name_of_flag(join->refused_by), call->arguments[2]);
}

static int explain_stranger(const struct call *call, const lesson_store_operation *join) {
    const char *uid = call->arguments[0], *lesson_id = call->arguments[2];
    /* A member is refused only if the lesson has no record. */
    if (strcmp(join->place->lesson_id, lesson_id) == 0)
        return explain_no_record(call, join);
    return complain_of(
        call, join->code,
        "refused by --if-open-or-member: the lesson \"%s\" is not open, and the user \"%s\" is not in it", lesson_id,
        uid);
}

static int explain_refusal(const struct call *call, const lesson_store_operation *join) {
    const char *lesson_id = call->arguments[2];
    unsigned long long count = join->count;
    switch (join->refused_by) {
    case LESSON_STORE_JOIN_UNLESS_BANNED:
        return complain_of(call, join->code,
                           "refused by --unless-banned: the user \"%s\" is banned from the lesson \"%s\"",
                           call->arguments[0], lesson_id);
    case LESSON_STORE_JOIN_IF_OPEN:
        return complain_of(call, join->code, "refused by --if-open: the lesson \"%s\" is not open", lesson_id);
    case LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER:
        return explain_stranger(call, join);
    case LESSON_STORE_JOIN_IF_ROOM:
        return complain_of(call, join->code, "refused by --if-room: the lesson \"%s\" has %llu member%s and no room",
                           lesson_id, count, count == 1 ? "" : "s");
    case LESSON_STORE_JOIN_STAY:
        return complain_of(call, join->code, "refused by --stay: the user \"%s\" is in the lesson \"%s\"",
                           call->arguments[0], join->place->lesson_id);
    case LESSON_STORE_JOIN_BY_OWNER:
        return complain_of(call, join->code, "refused by --owner: the owner \"%s\" holds no lease, or is over",
                           call->options.text[OPTION_OWNER]);
    default:
        return explain_no_record(call, join);
    }
}

/* For CONFLICT: the session was not the expected one. */
static int explain_session(const struct call *call, const lesson_store_place *present) {
    const char *uid = call->arguments[0];
    if (!*present->lesson_id)
        return complain_of(call, LESSON_STORE_CONFLICT, "the user \"%s\" is in no lesson", uid);
    return complain_of(call, LESSON_STORE_CONFLICT, "the user \"%s\" is in the lesson \"%s\" with %s session", uid,
                       present->lesson_id, *present->session ? "another" : "no");
}

static lesson_store_operation join_of(const struct call *call, lesson_store_place *place) {
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.uid = lesson_store_id_of(call->arguments[0]);
    join.course_id = lesson_store_id_of(call->arguments[1]);
    join.lesson_id = lesson_store_id_of(call->arguments[2]);
    join.session = lesson_store_id_of(call->options.text[OPTION_SESSION]);
    join.if_session = lesson_store_id_of(call->options.text[OPTION_IF_SESSION]);
    join.owner = lesson_store_id_of(call->options.text[OPTION_OWNER]);
    join.flags = given_flags(call);
    join.place = place;
    return join;
}

static void print_join(struct call *call, const lesson_store_operation *join) {
    struct field details[CHANGE_DETAILS] = {{.kind = FIELD_ABSENT}};
    if (join->code == LESSON_STORE_OK)
        details[0] = field_text("arrival", arrival_word(join->arrival));
    if (join->code == LESSON_STORE_REFUSED)
        details[0] = field_text("refused_by", name_of_flag(join->refused_by));
    if (join->code == LESSON_STORE_REFUSED && join->refused_by == LESSON_STORE_JOIN_IF_ROOM)
        details[1] = field_number("count", join->count);
    print_change(call, join->code, details, join->code == LESSON_STORE_OK ? &place_before : &place_present,
                 join->place);
}

int command_join(struct call *call) {
    lesson_store_place place = {0};
    lesson_store_operation join = join_of(call, &place);
    int code = batch_of_one(call, &join);
    if (code < 0)
        return report_failure(call, NULL, code);
    print_join(call, &join);
    if (code == LESSON_STORE_REFUSED)
        return explain_refusal(call, &join);
    if (code == LESSON_STORE_CONFLICT)
        return explain_session(call, &place);
    if (join.arrival == LESSON_STORE_ARRIVAL_MOVED)
        note(call, "moved from the lesson \"%s\"", place.lesson_id);
    return exit_status_of(code);
}

int command_quit(struct call *call) {
    const char *lesson_id = call->options.text[OPTION_LESSON];
    const char *uid = call->arguments[0];
    lesson_store_place before = {0};
    int code = lesson_store_quit(call->store, uid, lesson_id, call->options.text[OPTION_SESSION], &before);
    if (code < 0)
        return report_failure(call, NULL, code);
    const struct field no_details[CHANGE_DETAILS] = {{.kind = FIELD_ABSENT}};
    print_change(call, code, no_details, code == LESSON_STORE_OK ? &place_left : &place_present, &before);
    if (code == LESSON_STORE_NOT_FOUND)
        complain_of(call, code, "the user \"%s\" is in no lesson", uid);
    else if (code == LESSON_STORE_CONFLICT && lesson_id && strcmp(lesson_id, before.lesson_id) != 0)
        complain_of(call, code, "the user \"%s\" is in the lesson \"%s\"", uid, before.lesson_id);
    else if (code == LESSON_STORE_CONFLICT)
        explain_session(call, &before);
    else
        note(call, "left the lesson \"%s\"", before.lesson_id);
    return exit_status_of(code);
}
