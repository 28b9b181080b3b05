/* Calls and answers as text. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include <lessonstore/lessonstore.h>

typedef struct call_writer {
    char *text;
    size_t used;
    bool has_arguments;
} call_writer;

static void add(call_writer *writer, const char *word) {
    size_t size = strlen(word);
    if (writer->used + size >= MODEL_TEXT_SIZE)
        return;
    memcpy(writer->text + writer->used, word, size + 1);
    writer->used += size;
}

static void begin_argument(call_writer *writer) {
    if (writer->has_arguments)
        add(writer, ", ");
    writer->has_arguments = true;
}

static void add_number(call_writer *writer, int number) {
    char digits[16];
    snprintf(digits, sizeof digits, "%d", number);
    begin_argument(writer);
    add(writer, number == MODEL_NONE ? "MODEL_NONE" : digits);
}

static void add_flags(call_writer *writer, unsigned flags) {
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {{LESSON_STORE_CREATE_RESET, "LESSON_STORE_CREATE_RESET"},
                 {LESSON_STORE_END_RECORD_ONLY, "LESSON_STORE_END_RECORD_ONLY"},
                 {LESSON_STORE_JOIN_IF_EXISTS, "LESSON_STORE_JOIN_IF_EXISTS"},
                 {LESSON_STORE_JOIN_IF_OPEN, "LESSON_STORE_JOIN_IF_OPEN"},
                 {LESSON_STORE_JOIN_STAY, "LESSON_STORE_JOIN_STAY"},
                 {LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER, "LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER"},
                 {LESSON_STORE_JOIN_IF_ROOM, "LESSON_STORE_JOIN_IF_ROOM"},
                 {LESSON_STORE_HOLD_RENEW, "LESSON_STORE_HOLD_RENEW"},
                 {LESSON_STORE_JOIN_UNLESS_BANNED, "LESSON_STORE_JOIN_UNLESS_BANNED"},
                 {LESSON_STORE_BAN_KICK, "LESSON_STORE_BAN_KICK"},
                 {LESSON_STORE_JOIN_OR_NOWHERE, "LESSON_STORE_JOIN_OR_NOWHERE"}};
    bool has_any = false;
    begin_argument(writer);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(flags & names[i].flag))
            continue;
        add(writer, has_any ? " | " : "");
        add(writer, names[i].name);
        has_any = true;
    }
    if (!has_any)
        add(writer, "0");
}

static void add_arguments(call_writer *writer, const model_call *call) {
    switch ((lesson_store_operation_kind)call->kind) {
    case LESSON_STORE_OPERATION_NONE:
        return;
    case LESSON_STORE_OPERATION_CREATE:
        add_number(writer, call->lesson);
        add_number(writer, call->course);
        add_number(writer, call->course_status);
        add_number(writer, call->chat_status);
        add_number(writer, call->capacity);
        add_flags(writer, call->flags);
        return;
    case LESSON_STORE_OPERATION_END:
        add_number(writer, call->lesson);
        add_flags(writer, call->flags);
        return;
    case LESSON_STORE_OPERATION_SET:
        add_number(writer, call->lesson);
        add_number(writer, call->course_status);
        add_number(writer, call->chat_status);
        add_number(writer, call->if_course_status);
        add_number(writer, call->if_chat_status);
        add_number(writer, call->capacity);
        return;
    case LESSON_STORE_OPERATION_JOIN:
        add_number(writer, call->user);
        add_number(writer, call->course);
        add_number(writer, call->lesson);
        add_number(writer, call->session);
        add_number(writer, call->if_session);
        add_number(writer, call->owner);
        add_flags(writer, call->flags);
        return;
    case LESSON_STORE_OPERATION_HOLD:
        add_number(writer, call->owner);
        add_flags(writer, call->flags);
        return;
    case LESSON_STORE_OPERATION_BAN:
        add_number(writer, call->user);
        add_number(writer, call->lesson);
        add_number(writer, call->ban);
        add_flags(writer, call->flags);
        return;
    case LESSON_STORE_OPERATION_QUIT:
        add_number(writer, call->user);
        add_number(writer, call->lesson);
        add_number(writer, call->session);
        return;
    case LESSON_STORE_OPERATION_WHERE:
        add_number(writer, call->user);
        return;
    case LESSON_STORE_OPERATION_GET_LESSON:
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        add_number(writer, call->lesson);
        return;
    }
}

const char *model_call_text(const model_call *call, char text[MODEL_TEXT_SIZE]) {
    static const char *const macros[] = {
        [LESSON_STORE_OPERATION_NONE] = "(",
        [LESSON_STORE_OPERATION_CREATE] = "MODEL_CREATE_WITH(",
        [LESSON_STORE_OPERATION_END] = "MODEL_END(",
        [LESSON_STORE_OPERATION_SET] = "MODEL_SET_WITH(",
        [LESSON_STORE_OPERATION_GET_LESSON] = "MODEL_GET_LESSON(",
        [LESSON_STORE_OPERATION_JOIN] = "MODEL_ADMIT(",
        [LESSON_STORE_OPERATION_QUIT] = "MODEL_QUIT(",
        [LESSON_STORE_OPERATION_WHERE] = "MODEL_WHERE(",
        [LESSON_STORE_OPERATION_COUNT_MEMBERS] = "MODEL_COUNT(",
        [LESSON_STORE_OPERATION_HOLD] = "MODEL_HOLD(",
        [LESSON_STORE_OPERATION_BAN] = "MODEL_BAN(",
    };
    call_writer writer = {.text = text};
    add(&writer, macros[call->kind]);
    add_arguments(&writer, call);
    add_number(&writer, call->together);
    add_number(&writer, call->wrong);
    add(&writer, "),");
    return text;
}

const char *model_answer_text(const model_answer *answer, char text[MODEL_TEXT_SIZE]) {
    snprintf(text, MODEL_TEXT_SIZE,
             "%s, count %u, arrival %d, refused by 0x%x, course %d, lesson %d, session %d, owner %d, record %d, "
             "statuses %d/%d, "
             "capacity %d",
             lesson_store_code_name(answer->code), (unsigned)answer->count, answer->arrival, answer->refused_by,
             answer->course, answer->lesson, answer->session, answer->owner, answer->has_record, answer->course_status,
             answer->chat_status, answer->capacity);
    return text;
}
