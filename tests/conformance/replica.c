/* A copy of a store's users and lesson records, made from its lists and kept up to date by its feed. */
#include <poll.h>
#include <time.h>

#include "suite.h"

#define USERS_MAX 512
#define LESSONS_MAX 64
#define PATIENCE_S 60
#define LAST "the last one " /* the beginning of the uids whose joins end what is waited for */

struct replica_user {
    char uid[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
    char owner[LESSON_STORE_ID_MAX + 1];
};

struct replica_lesson {
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    char course_id[LESSON_STORE_ID_MAX + 1];
    int32_t course_status;
    int32_t chat_status;
    uint64_t capacity;
};

struct replica {
    struct replica_user users[USERS_MAX];
    size_t user_count;
    struct replica_lesson lessons[LESSONS_MAX];
    size_t lesson_count;
    bool is_full;
    unsigned number; /* of the last one */
    bool has_met_last;
    lines *events;
};

/* ---- Entries */

static bool is_named(const char *text, lesson_store_id id) {
    return strlen(text) == id.size && memcmp(text, id.data, id.size) == 0;
}

static struct replica_user *find_user(struct replica *replica, lesson_store_id uid) {
    size_t i = 0;
    while (i < replica->user_count && !is_named(replica->users[i].uid, uid))
        i++;
    return i < replica->user_count ? &replica->users[i] : NULL;
}

static void put_user(struct replica *replica, const lesson_store_user *user) {
    struct replica_user *found = find_user(replica, user->uid);
    replica->is_full |= !found && replica->user_count == USERS_MAX;
    if (replica->is_full)
        return;
    found = found ? found : &replica->users[replica->user_count++];
    lesson_store_id_copy(found->uid, user->uid);
    lesson_store_id_copy(found->place.course_id, user->course_id);
    lesson_store_id_copy(found->place.lesson_id, user->lesson_id);
    lesson_store_id_copy(found->place.session, user->session);
    lesson_store_id_copy(found->owner, user->owner);
}

static void remove_user(struct replica *replica, struct replica_user *user) {
    *user = replica->users[--replica->user_count];
}

static struct replica_lesson *find_lesson(struct replica *replica, lesson_store_id lesson_id) {
    size_t i = 0;
    while (i < replica->lesson_count && !is_named(replica->lessons[i].lesson_id, lesson_id))
        i++;
    return i < replica->lesson_count ? &replica->lessons[i] : NULL;
}

static struct replica_lesson *need_lesson(struct replica *replica, lesson_store_id lesson_id) {
    struct replica_lesson *found = find_lesson(replica, lesson_id);
    replica->is_full |= !found && replica->lesson_count == LESSONS_MAX;
    if (found || replica->is_full)
        return found;
    found = &replica->lessons[replica->lesson_count++];
    *found =
        (struct replica_lesson){.course_status = LESSON_STORE_STATUS_NONE, .chat_status = LESSON_STORE_STATUS_NONE};
    lesson_store_id_copy(found->lesson_id, lesson_id);
    return found;
}

static void remove_lesson(struct replica *replica, lesson_store_id lesson_id) {
    struct replica_lesson *found = find_lesson(replica, lesson_id);
    if (found)
        *found = replica->lessons[--replica->lesson_count];
}

/* ---- Events */

static void take_record(struct replica *replica, const lesson_store_event *event) {
    struct replica_lesson *lesson = need_lesson(replica, event->lesson_id);
    if (!lesson)
        return;
    if (event->course_id.data)
        lesson_store_id_copy(lesson->course_id, event->course_id);
    if (event->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        lesson->course_status = event->course_status;
    if (event->given & LESSON_STORE_GIVEN_CHAT_STATUS)
        lesson->chat_status = event->chat_status;
    if (event->given & LESSON_STORE_GIVEN_CAPACITY)
        lesson->capacity = event->capacity;
}

static void put_out_members(struct replica *replica, lesson_store_id lesson_id) {
    for (size_t i = replica->user_count; i > 0; i--) {
        if (is_named(replica->users[i - 1].place.lesson_id, lesson_id))
            remove_user(replica, &replica->users[i - 1]);
    }
}

static void take_quit(struct replica *replica, const lesson_store_event *event) {
    struct replica_user *user = find_user(replica, event->uid);
    if (user && is_named(user->place.lesson_id, event->lesson_id))
        remove_user(replica, user);
}

static void apply(struct replica *replica, const lesson_store_event *event) {
    const lesson_store_user user = {.uid = event->uid,
                                    .course_id = event->course_id,
                                    .lesson_id = event->lesson_id,
                                    .session = event->session,
                                    .owner = event->owner};
    switch ((lesson_store_event_kind)event->kind) {
    case LESSON_STORE_EVENT_CREATE:
    case LESSON_STORE_EVENT_SET:
        take_record(replica, event);
        break;
    case LESSON_STORE_EVENT_END:
        remove_lesson(replica, event->lesson_id);
        put_out_members(replica, event->lesson_id);
        break;
    case LESSON_STORE_EVENT_END_RECORD:
        remove_lesson(replica, event->lesson_id);
        break;
    case LESSON_STORE_EVENT_JOIN:
        put_user(replica, &user);
        break;
    case LESSON_STORE_EVENT_QUIT:
        take_quit(replica, event);
        break;
    }
}

static void say_event(lines *out, const lesson_store_event *event) {
    char numbers[96] = "";
    if (event->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        snprintf(numbers, sizeof numbers, " %s", lesson_store_course_status_word(event->course_status));
    if (event->given & LESSON_STORE_GIVEN_CHAT_STATUS)
        snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " %s",
                 lesson_store_chat_status_word(event->chat_status));
    if (event->given & LESSON_STORE_GIVEN_CAPACITY)
        snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " capacity %" PRIu64, event->capacity);
    if (event->count > 0)
        snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), " count %" PRIu64, event->count);
    lines_add(out, "%03zu %s/%s %.*s|%.*s|%.*s|from %.*s|%.*s|%.*s|%s", out->count,
              lesson_store_event_name(event->kind), lesson_store_cause_name(event->cause), (int)event->lesson_id.size,
              event->lesson_id.data, (int)event->uid.size, event->uid.data, (int)event->course_id.size,
              event->course_id.data, (int)event->from_lesson_id.size, event->from_lesson_id.data,
              (int)event->session.size, event->session.data, (int)event->owner.size, event->owner.data, numbers);
}

static void name_last(const struct replica *replica, char name[static 32]) {
    snprintf(name, 32, LAST "%u", replica->number);
}

/* Those who mark the end of an earlier part are no part of the replica. */
static bool take_event(const lesson_store_event *event, void *context) {
    struct replica *replica = context;
    char name[32];
    name_last(replica, name);
    replica->has_met_last = event->kind == LESSON_STORE_EVENT_JOIN && is_named(name, event->uid);
    if (event->uid.size >= strlen(LAST) && memcmp(event->uid.data, LAST, strlen(LAST)) == 0)
        return !replica->has_met_last;
    if (replica->events)
        say_event(replica->events, event);
    apply(replica, event);
    return true;
}

/* ---- Lists */

static bool take_listed_user(const lesson_store_user *user, void *context) {
    put_user(context, user);
    return true;
}

static bool take_listed_lesson(const lesson_store_lesson *lesson, void *context) {
    if (!lesson->has_record)
        return true;
    struct replica_lesson *made = need_lesson(context, lesson->lesson_id);
    if (!made)
        return true;
    lesson_store_id_copy(made->course_id, lesson->course_id);
    made->course_status = lesson->course_status;
    made->chat_status = lesson->chat_status;
    made->capacity = lesson->capacity;
    return true;
}

static void say_all(const struct replica *replica, lines *out) {
    lines_clear(out);
    for (size_t i = 0; i < replica->user_count; i++) {
        const struct replica_user *user = &replica->users[i];
        lines_add(out, "user %s in %s of %s, session %s, owner %s", quote_text(user->uid).text,
                  quote_text(user->place.lesson_id).text, quote_text(user->place.course_id).text,
                  quote_text(user->place.session).text, quote_text(user->owner).text);
    }
    for (size_t i = 0; i < replica->lesson_count; i++) {
        const struct replica_lesson *lesson = &replica->lessons[i];
        lines_add(out, "lesson %s of %s: %d/%d, capacity %" PRIu64, quote_text(lesson->lesson_id).text,
                  quote_text(lesson->course_id).text, (int)lesson->course_status, (int)lesson->chat_status,
                  lesson->capacity);
    }
}

/* ---- For the tests */

void replica_list(struct fixture *fixture, lesson_store *store) {
    struct replica *replica = fixture->replica;
    if (!replica)
        replica = fixture->replica = calloc(1, sizeof *replica);
    if (!replica) {
        fail_test(fixture, "no memory for a replica");
        return;
    }
    replica->user_count = replica->lesson_count = 0;
    expect_code(fixture, "lessons", lesson_store_lessons(store, take_listed_lesson, replica), LESSON_STORE_OK);
    expect_code(fixture, "users", lesson_store_users(store, take_listed_user, replica), LESSON_STORE_OK);
}

/* Joins the lesson of the feed, and quits at once. */
static void mark_last(struct fixture *fixture, lesson_store *writer, const char *lesson_id) {
    char name[32];
    fixture->replica->number++;
    name_last(fixture->replica, name);
    expect_code(fixture, "join", lesson_store_join(writer, name, "maths", lesson_id, NULL, 0, NULL), LESSON_STORE_OK);
    expect_code(fixture, "quit", lesson_store_quit(writer, name, NULL, NULL, NULL), LESSON_STORE_OK);
}

int replica_follow(struct fixture *fixture, lesson_store *writer, lesson_store_feed *feed, const char *lesson_id,
                   lines *events) {
    struct replica *replica = fixture->replica;
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    time_t until = time(NULL) + (fixture->backend->patience_s ? (time_t)fixture->backend->patience_s : PATIENCE_S);
    mark_last(fixture, writer, lesson_id ? lesson_id : "the last lesson");
    replica->has_met_last = false;
    replica->events = events;
    while (!replica->has_met_last) {
        if (time(NULL) > until)
            fail_test(fixture, "the event of the last change does not come");
        poll(&ready, 1, 100);
        int code = lesson_store_feed_drain(feed, 0, take_event, replica, NULL);
        if (code)
            return code;
    }
    return LESSON_STORE_OK;
}

void replica_compare(struct fixture *fixture, lesson_store *store) {
    say_all(fixture->replica, &fixture->found);
    replica_list(fixture, store);
    say_all(fixture->replica, &fixture->expected);
    if (fixture->replica->is_full)
        fail_test(fixture, "the test has more users or lessons than a replica has room for");
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "what the feed gives is not what the store has: see the lines above");
}
