/*
 * Replies of a server that sends random bytes while events are read, as the thread of the feeds reads them. Whatever
 * comes, each event is a valid one that the server has sent, positions only move forward, there is no end of the events
 * unless the server says so, nothing stays under way, and the store works again as soon as the server does.
 *
 * The first three bytes of the input: the position (o: the oldest, w: within the entry 2-1, behind the first of its two
 * events, e: at its end, n: the newest is asked for first), whether the reader waits (w), and how many events it has
 * room for (a digit; otherwise for all). The answers follow.
 */
#include <stdlib.h>

#include <backends/redis/redis.h>
#include <core/core.h>

#include "answers.h"
#include "hostile_server.h"

#define MOST 4  /* events that are asked for at a time */
#define PAGES 6 /* that are asked for, one behind the other */
#define WAIT_MS 50
#define NOTHING "*0\r\n"
#define HASH_BASIS UINT64_C(0xcbf29ce484222325)

static const char first_entry[] = "C0\x1f"
                                  "aC0\x1f"
                                  "b";

struct reader {
    lesson_store *store;
    fuzz_input answers;
    lesson_store_event_position position;
    size_t room;
    size_t taken;
    int64_t wait_ms;
};

/* ---- Events */

static void require_sent(const struct reader *reader, lesson_store_id id) {
    if (!id.data)
        return;
    REQUIRE(fuzz_is_id(id.data, id.size));
    REQUIRE(memmem(reader->answers.data, reader->answers.size, id.data, id.size));
}

static void require_numbers(const lesson_store_event *event) {
    REQUIRE((event->given | LESSON_STORE_EVENT_GIVEN) == LESSON_STORE_EVENT_GIVEN);
    REQUIRE(event->course_status >= 0 && event->course_status <= LESSON_STORE_COURSE_WAITING);
    REQUIRE(event->chat_status >= 0 && event->chat_status <= LESSON_STORE_CHAT_BANNED);
    REQUIRE(event->capacity <= LESSON_STORE_CAPACITY_MAX);
    REQUIRE(event->given & LESSON_STORE_GIVEN_CAPACITY || event->capacity == 0);
}

/* The cause is one digit, of which later versions may use more. */
static void require_event(const struct reader *reader, const lesson_store_event *event) {
    const lesson_store_id ids[] = {event->lesson_id,      event->uid,     event->course_id,
                                   event->from_lesson_id, event->session, event->owner};
    bool is_of_user = event->kind == LESSON_STORE_EVENT_JOIN || event->kind == LESSON_STORE_EVENT_QUIT;
    REQUIRE(event->kind <= LESSON_STORE_EVENT_QUIT && event->cause <= 9);
    REQUIRE((event->lesson_id.data != NULL) == (event->kind != 0));
    REQUIRE((event->uid.data != NULL) == is_of_user);
    REQUIRE(is_of_user || !(event->from_lesson_id.data || event->session.data || event->owner.data));
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        require_sent(reader, ids[i]);
    require_numbers(event);
}

static bool is_behind(const lesson_store_event_position *a, const lesson_store_event_position *b) {
    for (int i = 0; i < 3; i++) {
        if (a->words[i] != b->words[i])
            return a->words[i] > b->words[i];
    }
    return false;
}

static bool take(const lesson_store_event *event, const lesson_store_event_position *behind, void *context) {
    struct reader *reader = context;
    REQUIRE(reader->taken <= reader->room);
    if (reader->taken == reader->room)
        return false;
    require_event(reader, event);
    REQUIRE(is_behind(behind, &reader->position));
    reader->position = *behind;
    reader->taken++;
    return true;
}

/* ---- What the server has said */

/* All answers as the bytes that were sent: a reply can be in several of them. The caller frees them. */
static char *join_answers(fuzz_input answers, size_t *size) {
    char *sent = fuzz_copy(answers.data, answers.size);
    for (*size = 0; answers.size > 0;) {
        fuzz_input answer = fuzz_take_part(&answers, '|');
        if (answer.size > 0 && memchr("!~^=", answer.data[0], 4))
            fuzz_take_byte(&answer);
        if (answer.size > 0)
            memcpy(sent + *size, answer.data, answer.size);
        *size += answer.size;
    }
    return sent;
}

/* Leaves out one well-formed reply. */
static const char *skip_reply(const char *at, const char *end) {
    long long items = 1;
    for (; items > 0 && at < end; items--) {
        const char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
        REQUIRE(line);
        long long number = strtoll(at + 1, NULL, 10);
        items += *at == '*' && number > 0 ? number : 0;
        at = line + 2 + (*at == '$' && number >= 0 ? number + 2 : 0);
    }
    return at;
}

static bool begins_with_nothing(const char *at, const char *end) {
    return end - at >= 4 && memcmp(at, NOTHING, 4) == 0;
}

/* Only the answers to the first requests are certain to be the first ones. */
static bool is_page_empty(const struct reader *reader) {
    size_t size;
    char *sent = join_answers(reader->answers, &size);
    const char *page = reader->wait_ms > 0 ? skip_reply(sent, sent + size) : sent;
    bool is_empty = begins_with_nothing(page, sent + size);
    free(sent);
    return is_empty;
}

static bool says_nothing_is_there(const struct reader *reader) {
    size_t size;
    char *sent = join_answers(reader->answers, &size);
    bool says = memmem(sent, size, NOTHING, 4) != NULL;
    free(sent);
    return says;
}

/* ---- Reading */

static lesson_store_instance *instance_of(const struct reader *reader) {
    lesson_store_instance *instance = reader->store->pool.slots[0].instance;
    instance->deadline_us = lesson_store_monotonic_us() + reader->store->pool.call_timeout_us;
    return instance;
}

static int ask(struct reader *reader, size_t most, lesson_store_event_position *position) {
    lesson_store_instance *instance = instance_of(reader);
    int code = reader->store->backend.events(instance, position, most, reader->wait_ms, take, reader);
    REQUIRE(code <= 0 || code == LESSON_STORE_NOT_FOUND || code == LESSON_STORE_GAP);
    fuzz_require_code(code);
    REQUIRE(redis_of(instance)->connection.under_way == 0);
    REQUIRE(code != LESSON_STORE_NOT_FOUND || says_nothing_is_there(reader));
    return code;
}

static int find_newest(struct reader *reader) {
    int code = ask(reader, 0, &reader->position);
    REQUIRE(code != LESSON_STORE_GAP && reader->taken == 0);
    return code;
}

static int read_page(struct reader *reader, bool is_first) {
    lesson_store_event_position position = reader->position;
    size_t taken = reader->taken;
    int code = ask(reader, MOST, &position);
    if (code == LESSON_STORE_OK && reader->taken == taken && reader->room > taken && is_first)
        REQUIRE(is_page_empty(reader));
    if (code == LESSON_STORE_GAP)
        reader->position = position;
    REQUIRE(memcmp(&position, &reader->position, sizeof position) == 0);
    return code;
}

static void read_pages(struct reader *reader, bool is_first) {
    for (int i = 0; i < PAGES && reader->taken < reader->room; i++) {
        int code = read_page(reader, is_first && i == 0);
        if (code < 0)
            return;
    }
}

/* ---- The target */

static uint64_t hash_of(const char *text, size_t size) {
    uint64_t hash = HASH_BASIS;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static lesson_store_event_position in_the_first_entry(uint64_t given) {
    return (lesson_store_event_position){{2, 1, given, hash_of(first_entry, sizeof first_entry - 1)}};
}

/* The correct server keeps no events. */
static void require_works_again(struct reader *reader) {
    lesson_store_event_position position = {{0}};
    hostile_server_reform();
    reader->room = reader->taken;
    reader->answers = (fuzz_input){(const uint8_t *)NOTHING, 4};
    REQUIRE(ask(reader, MOST, &position) == LESSON_STORE_NOT_FOUND);
    REQUIRE(lesson_store_where(reader->store, "ann", NULL) == LESSON_STORE_NOT_FOUND);
}

static void judge(struct reader *reader, uint8_t from) {
    REQUIRE(lesson_store_open(&reader->store, HOSTILE_SERVER_LOCATION) == LESSON_STORE_OK);
    if (from == 'w' || from == 'e')
        reader->position = in_the_first_entry(from == 'w' ? 1 : 2);
    if (from != 'n' || find_newest(reader) == LESSON_STORE_OK)
        read_pages(reader, from != 'n');
    require_works_again(reader);
    lesson_store_close(reader->store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    struct reader reader = {.room = SIZE_MAX};
    uint8_t from = fuzz_take_byte(&input);
    reader.wait_ms = fuzz_take_byte(&input) == 'w' ? WAIT_MS : 0;
    uint8_t room = fuzz_take_byte(&input);
    if (room >= '0' && room <= '9')
        reader.room = room - '0';
    if (input.size == 0)
        return 0;
    reader.answers = input;
    hostile_server_answer(input.data, input.size, true);
    judge(&reader, from);
    hostile_server_end();
    return 0;
}
