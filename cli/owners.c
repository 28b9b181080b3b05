/* The commands on owners, and the list of users, which names the owner of each. */
#include <inttypes.h>

#include <lessonstore/backend.h>

#include "interrupt.h"
#include "lessonctl.h"

/* ---- Users */

#define USER_FIELDS 6

static void describe_user(const lesson_store_user *user, struct field fields[USER_FIELDS]) {
    fields[0] = field_id("uid", user->uid);
    fields[1] = field_id("lesson_id", user->lesson_id);
    fields[2] = field_id("course_id", user->course_id);
    fields[3] = field_id("session", user->session);
    fields[4] = field_id("owner", user->owner);
    fields[5] = field_joined_ms(user->joined_ms);
}

struct user_list {
    struct output *output;
    lesson_store_id owner; /* "not given": any or none */
};

static bool is_of(const lesson_store_user *user, lesson_store_id owner) {
    return user->owner.size == owner.size && memcmp(user->owner.data, owner.data, owner.size) == 0;
}

static bool print_user(const lesson_store_user *user, void *context) {
    const struct user_list *list = context;
    struct field row[USER_FIELDS];
    if (list->owner.data && !is_of(user, list->owner))
        return true;
    describe_user(user, row);
    return output_row(list->output, row, USER_FIELDS);
}

int command_users(struct call *call) {
    struct user_list list = {&call->output, lesson_store_id_of(call->options.text[OPTION_OWNER])};
    output_sort(&call->output);
    int code = list.owner.data ? lesson_store_id_check("owner", list.owner) : LESSON_STORE_OK;
    if (!code)
        code = lesson_store_users(call->store, print_user, &list);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}

/* ---- Owners */

static const char *state_word(uint32_t state) {
    switch ((lesson_store_owner_state)state) {
    case LESSON_STORE_OWNER_HELD:
        return "held";
    case LESSON_STORE_OWNER_LATE:
        return "late";
    case LESSON_STORE_OWNER_OVER:
        return "over";
    }
    return NULL;
}

static bool print_owner(const lesson_store_owner *owner, void *context) {
    struct field row[] = {field_id("owner", owner->owner), field_text("state", state_word(owner->state)),
                          field_signed("lease_ms", owner->lease_ms), field_signed("left_ms", owner->left_ms)};
    if (owner->state == LESSON_STORE_OWNER_OVER)
        row[3].kind = FIELD_ABSENT;
    return output_row(context, row, sizeof row / sizeof *row);
}

int command_owners(struct call *call) {
    output_sort(&call->output);
    int code = lesson_store_owners(call->store, print_owner, &call->output);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}

static int explain_conflict(const struct call *call, bool renews) {
    return complain_of(call, LESSON_STORE_CONFLICT, "the owner \"%s\" %s: take another owner, and join its users again",
                       call->arguments[0], renews ? "holds no lease, or is over" : "is over");
}

int command_hold(struct call *call) {
    const char *owner = call->arguments[0];
    bool renews = option_given(call, OPTION_RENEW);
    int64_t lease_ms = 0;
    if (!option_given(call, OPTION_LEASE)) {
        int status = complain_of(call, LESSON_STORE_INVALID, "give --lease");
        print_usage(call->program, call->command);
        return status;
    }
    if (!option_number(call, OPTION_LEASE, "lease", 1, LESSON_STORE_LEASE_MAX_MS, &lease_ms))
        return EXIT_USAGE;
    int code = lesson_store_hold(call->store, owner, lease_ms, renews ? LESSON_STORE_HOLD_RENEW : 0);
    if (code < 0)
        return report_failure(call, NULL, code);
    struct field answer[] = {field_code(code), field_only_json(field_text("owner", owner))};
    output_row(&call->output, answer, 2);
    return code == LESSON_STORE_CONFLICT ? explain_conflict(call, renews) : EXIT_YES;
}

/* ---- Putting users out */

static bool print_put_out(const lesson_store_user *user, void *context) {
    struct field row[USER_FIELDS];
    describe_user(user, row);
    row[3].only_json = true;
    return output_row(context, row, USER_FIELDS);
}

static int sweep(struct call *call) {
    int code = lesson_store_sweep(call->store, print_put_out, &call->output, NULL);
    if (code)
        report_failure(call, NULL, code);
    return code;
}

/* A store that failed may come back, but it will not learn to sweep. */
static bool may_come_back(int code) {
    return code != LESSON_STORE_INVALID && code != LESSON_STORE_UNSUPPORTED;
}

/* Returns the next of the times that are `every_us` apart. A sweep may have taken longer than that. */
static int64_t time_after(int64_t time_us, int64_t every_us) {
    int64_t passed = (lesson_store_monotonic_us() - time_us) / every_us;
    return time_us + (passed + 1) * every_us;
}

static int sweep_until_interrupted(struct call *call, int64_t every_us) {
    int64_t time_us = lesson_store_monotonic_us();
    int code;
    interrupt_ends_in_order();
    do {
        code = sweep(call);
        time_us = time_after(time_us, every_us);
    } while (may_come_back(code) && output_end(&call->output) && !interrupt_wait(time_us));
    return may_come_back(code) ? EXIT_YES : exit_status_of(code);
}

int command_sweep(struct call *call) {
    int64_t every_ms = 0;
    if (!option_duration(call, OPTION_EVERY, "every", LESSON_STORE_LEASE_MAX_MS, &every_ms))
        return EXIT_USAGE;
    if (every_ms == 0)
        return exit_status_of(sweep(call));
    if (call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID,
                           "--every: the shell would never run another line; start lessonctl sweep by itself");
    return sweep_until_interrupted(call, every_ms * 1000);
}

int command_drop(struct call *call) {
    const char *owner = call->arguments[0];
    int code = lesson_store_drop(call->store, owner, print_put_out, &call->output, NULL);
    if (code == LESSON_STORE_NOT_FOUND)
        return complain_of(call, code, "the owner \"%s\" holds no lease", owner);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}
