#include <stdlib.h>

#include "list_backend.h"

/* The content of the store: lesson records and user records. A user is a member of the lesson that its record names, so
 * the two can never disagree. Ids hold no NUL, so they can be C strings. */
typedef struct list_lesson {
    struct list_lesson *next;
    int32_t course_status;
    int32_t chat_status;
    char lesson_id[LESSON_STORE_ID_MAX + 1];
} list_lesson;

typedef struct list_user {
    struct list_user *next;
    char uid[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
} list_user;

/* An instance begins with the part that core uses. */
typedef struct list_store {
    lesson_store_instance base;
    list_lesson *lessons;
    list_user *users;
    uint64_t user_count;
    uint64_t most_users;
} list_store;

static list_store *list_of(lesson_store_instance *instance) {
    return (list_store *)instance;
}

/* ---- Looking up
 *
 * Each returns the pointer that points to the entry, or the last pointer of the list. So the caller can remove the
 * entry or add one. */

static bool same(const char *text, lesson_store_id id) {
    return strlen(text) == id.size && memcmp(text, id.data, id.size) == 0;
}

static list_lesson **find_lesson(list_store *list, lesson_store_id lesson_id) {
    list_lesson **link = &list->lessons;
    while (*link && !same((*link)->lesson_id, lesson_id))
        link = &(*link)->next;
    return link;
}

static list_user **find_user(list_store *list, lesson_store_id uid) {
    list_user **link = &list->users;
    while (*link && !same((*link)->uid, uid))
        link = &(*link)->next;
    return link;
}

static uint64_t count_members(const list_store *list, lesson_store_id lesson_id) {
    uint64_t count = 0;
    for (const list_user *user = list->users; user; user = user->next)
        count += same(user->place.lesson_id, lesson_id);
    return count;
}

static void remove_lesson(list_lesson **link) {
    list_lesson *gone = *link;
    *link = gone->next;
    free(gone);
}

static void remove_user(list_store *list, list_user **link) {
    list_user *gone = *link;
    *link = gone->next;
    list->user_count--;
    free(gone);
}

static uint64_t remove_members(list_store *list, lesson_store_id lesson_id) {
    uint64_t removed = 0;
    for (list_user **link = &list->users; *link;) {
        if (same((*link)->place.lesson_id, lesson_id)) {
            remove_user(list, link);
            removed++;
        } else {
            link = &(*link)->next;
        }
    }
    return removed;
}

/* ---- Operations. Each sets a code, and the outputs that the header promises for that code */

static int list_no_memory(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "list: no memory left; nothing was changed");
}

static void answer_place(const lesson_store_operation *operation, const list_user *user) {
    static const lesson_store_place nowhere = {.lesson_id = ""};
    const lesson_store_place *place = user ? &user->place : &nowhere;
    lesson_store_answer_place(operation, lesson_store_id_of(place->course_id), lesson_store_id_of(place->lesson_id),
                              lesson_store_id_of(place->session));
}

static void describe_lesson(const list_store *list, const list_lesson *record, lesson_store_id lesson_id,
                            lesson_store_lesson *out) {
    out->lesson_id = lesson_id;
    out->member_count = count_members(list, lesson_id);
    out->has_record = record != NULL;
    out->course_status = record ? record->course_status : LESSON_STORE_STATUS_NONE;
    out->chat_status = record ? record->chat_status : LESSON_STORE_STATUS_NONE;
}

static int list_create(list_store *list, const lesson_store_operation *create) {
    list_lesson **link = find_lesson(list, create->lesson_id);
    if (*link && !(create->flags & LESSON_STORE_CREATE_RESET))
        return LESSON_STORE_EXISTS;
    if (!*link) {
        list_lesson *lesson = calloc(1, sizeof *lesson);
        if (!lesson)
            return list_no_memory();
        lesson_store_id_copy(lesson->lesson_id, create->lesson_id);
        *link = lesson;
    }
    (*link)->course_status = LESSON_STORE_COURSE_WAITING;
    (*link)->chat_status = LESSON_STORE_CHAT_FREE;
    return LESSON_STORE_OK;
}

static int list_end(list_store *list, lesson_store_operation *end) {
    list_lesson **link = find_lesson(list, end->lesson_id);
    bool had_record = *link != NULL;
    if (had_record)
        remove_lesson(link);
    uint64_t left = end->flags & LESSON_STORE_END_RECORD_ONLY ? 0 : remove_members(list, end->lesson_id);
    if (!had_record && left == 0)
        return LESSON_STORE_NOT_FOUND;
    end->count = left;
    return LESSON_STORE_OK;
}

static int list_set(list_store *list, lesson_store_operation *set) {
    list_lesson *lesson = *find_lesson(list, set->lesson_id);
    if (!lesson)
        return LESSON_STORE_NOT_FOUND;
    if (!lesson_store_set_expects(set, lesson->course_status, lesson->chat_status)) {
        describe_lesson(list, lesson, set->lesson_id, &set->lesson);
        return LESSON_STORE_CONFLICT;
    }
    if (set->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        lesson->course_status = set->course_status;
    if (set->given & LESSON_STORE_GIVEN_CHAT_STATUS)
        lesson->chat_status = set->chat_status;
    return LESSON_STORE_OK;
}

static int list_get_lesson(list_store *list, lesson_store_operation *get) {
    lesson_store_lesson found = {.has_record = false};
    describe_lesson(list, *find_lesson(list, get->lesson_id), get->lesson_id, &found);
    if (!found.has_record && found.member_count == 0)
        return LESSON_STORE_NOT_FOUND;
    get->lesson = found;
    return LESSON_STORE_OK;
}

/* Core has the rule; the backend supplies the facts. */
static uint32_t refusing_flag(list_store *list, const lesson_store_operation *join, const list_user *user) {
    const list_lesson *lesson = *find_lesson(list, join->lesson_id);
    return lesson_store_join_refused_by(join, lesson != NULL, lesson ? lesson->course_status : LESSON_STORE_STATUS_NONE,
                                        user && !same(user->place.lesson_id, join->lesson_id));
}

/* Adds a user to the list, but to no lesson yet. NULL, with the code in `*code`, if there is no room. */
static list_user *add_user(list_store *list, lesson_store_id uid, int *code) {
    if (list->user_count == list->most_users) {
        *code = lesson_store_fail(LESSON_STORE_FULL, "list: there are %llu users already, as many as most_users allows",
                                  (unsigned long long)list->user_count);
        return NULL;
    }
    list_user *user = calloc(1, sizeof *user);
    if (!user) {
        *code = list_no_memory();
        return NULL;
    }
    lesson_store_id_copy(user->uid, uid);
    user->next = list->users;
    list->users = user;
    list->user_count++;
    return user;
}

static int list_join(list_store *list, lesson_store_operation *join) {
    list_user *user = *find_user(list, join->uid);
    uint32_t refusing = refusing_flag(list, join, user);
    if (refusing) {
        join->refused_by = refusing;
        answer_place(join, user);
        return LESSON_STORE_REFUSED;
    }
    int code = LESSON_STORE_OK;
    list_user *joining = user ? user : add_user(list, join->uid, &code);
    if (!joining)
        return code;
    answer_place(join, user);
    join->arrival = !user                                          ? LESSON_STORE_ARRIVAL_NEW
                    : same(user->place.lesson_id, join->lesson_id) ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                                                   : LESSON_STORE_ARRIVAL_MOVED;
    lesson_store_id_copy(joining->place.course_id, join->course_id);
    lesson_store_id_copy(joining->place.lesson_id, join->lesson_id);
    return LESSON_STORE_OK;
}

static int list_quit(list_store *list, lesson_store_operation *quit) {
    list_user **link = find_user(list, quit->uid);
    if (!*link)
        return LESSON_STORE_NOT_FOUND;
    answer_place(quit, *link);
    if (quit->lesson_id.data && !same((*link)->place.lesson_id, quit->lesson_id))
        return LESSON_STORE_CONFLICT;
    remove_user(list, link);
    return LESSON_STORE_OK;
}

static int list_where(list_store *list, lesson_store_operation *where) {
    const list_user *user = *find_user(list, where->uid);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    answer_place(where, user);
    return LESSON_STORE_OK;
}

static int list_count(const list_store *list, lesson_store_operation *count) {
    count->count = count_members(list, count->lesson_id);
    return LESSON_STORE_OK;
}

static int run_operation(list_store *list, lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return list_create(list, operation);
    case LESSON_STORE_OPERATION_END:
        return list_end(list, operation);
    case LESSON_STORE_OPERATION_SET:
        return list_set(list, operation);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return list_get_lesson(list, operation);
    case LESSON_STORE_OPERATION_JOIN:
        return list_join(list, operation);
    case LESSON_STORE_OPERATION_QUIT:
        return list_quit(list, operation);
    case LESSON_STORE_OPERATION_WHERE:
        return list_where(list, operation);
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return list_count(list, operation);
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "list: operation kind %u", (unsigned)operation->kind);
}

/* No failure here concerns the whole batch, so this always returns OK, and each operation has its own code. */
static int list_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    for (size_t i = 0; i < count; i++)
        lesson_store_answer(&operations[i], run_operation(list_of(instance), &operations[i]));
    return LESSON_STORE_OK;
}

/* ---- Lists. A callback that returns false ends the list, and the code is still OK */

static int list_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                        lesson_store_member_callback callback, void *context) {
    for (const list_user *user = list_of(instance)->users; user; user = user->next) {
        const lesson_store_id uid = lesson_store_id_of(user->uid);
        if (same(user->place.lesson_id, *lesson_id) && !callback(&uid, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* True for the first listed user of a lesson without a record. The lesson is listed when this user is reached. */
static bool stands_for_lesson(list_store *list, const list_user *user) {
    lesson_store_id lesson_id = lesson_store_id_of(user->place.lesson_id);
    if (*find_lesson(list, lesson_id))
        return false;
    const list_user *first = list->users;
    while (!same(first->place.lesson_id, lesson_id))
        first = first->next;
    return first == user;
}

static int list_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    list_store *list = list_of(instance);
    lesson_store_lesson described = {.has_record = false};
    for (const list_lesson *lesson = list->lessons; lesson; lesson = lesson->next) {
        describe_lesson(list, lesson, lesson_store_id_of(lesson->lesson_id), &described);
        if (!callback(&described, context))
            return LESSON_STORE_OK;
    }
    for (const list_user *user = list->users; user; user = user->next) {
        if (!stands_for_lesson(list, user))
            continue;
        describe_lesson(list, NULL, lesson_store_id_of(user->place.lesson_id), &described);
        if (!callback(&described, context))
            return LESSON_STORE_OK;
    }
    return LESSON_STORE_OK;
}

static int list_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    for (const list_user *user = list_of(instance)->users; user; user = user->next) {
        lesson_store_user described = {.uid = lesson_store_id_of(user->uid),
                                       .course_id = lesson_store_id_of(user->place.course_id),
                                       .lesson_id = lesson_store_id_of(user->place.lesson_id)};
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* ---- Opening and closing */

static int list_open(lesson_store_instance **out, const lesson_store_location *location) {
    if (lesson_store_location_host(location) || lesson_store_location_path(location))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: only options may follow list:");
    list_store *list = calloc(1, sizeof *list);
    if (!list)
        return list_no_memory();
    list->base.capabilities = 0;
    list->most_users = (uint64_t)lesson_store_location_number(location, "most_users");
    *out = &list->base;
    return LESSON_STORE_OK;
}

static void list_close(lesson_store_instance *instance) {
    list_store *list = list_of(instance);
    while (list->lessons)
        remove_lesson(&list->lessons);
    while (list->users)
        remove_user(list, &list->users);
    free(list);
}

static const lesson_store_option list_options[] = {
    {.name = "most_users", .summary = "the most users", .number_default = 100000, .minimum = 1, .maximum = 100000},
    {.name = NULL},
};

const lesson_store_backend list_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "list",
    .summary = "two linked lists, as an example",
    .operations = LESSON_STORE_OPERATIONS_0_1,
    .flags = LESSON_STORE_FLAGS_0_1,
    .options = list_options,
    .open = list_open,
    .close = list_close,
    .run = list_run,
    .members = list_members,
    .lessons = list_lessons,
    .users = list_users,
};
