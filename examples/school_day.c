/*
 * school_day: prints the trace of one invented school day, for `lessonctl replay`.
 *
 *   school_day [--seed N] [--users N] [--lessons N]     the trace, on standard output
 *   school_day [...] --noon                             an instant (unix_ms) at which many lessons are open
 *
 * The same options give the same bytes on every machine. The day resembles real ones: rooms open before the class
 * begins; users come early, late and on a second device; users change rooms, and their quit of the old room arrives
 * after their join of the new one; some users never quit; rooms end with people in them. A user comes to about three
 * lessons, which makes six events. 170,000 users and 2,000 lessons make about a million events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_BEGIN_MS INT64_C(1789369200000) /* 2026-09-14, 07:00 UTC, a Monday */
#define NOON_MS (DAY_BEGIN_MS + 300 * MINUTE_MS)
#define LAST_BEGIN_MINUTE 600 /* the first class begins at 8:00, the last at 17:00 */
#define FIRST_BEGIN_MINUTE 60
#define BUSY_BEGIN_MINUTE 230 /* 10:50 */
#define BUSY_END_MINUTE 300
#define LONGEST_ID 96

#define USERS_MAX 10000000
#define LESSONS_MAX 1000000

/* ---- Random numbers: splitmix64, because rand() differs between machines. */

struct chance {
    uint64_t state;
};

static uint64_t next(struct chance *chance) {
    uint64_t value = chance->state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static int64_t between(struct chance *chance, int64_t lowest, int64_t highest) {
    return lowest + (int64_t)(next(chance) % (uint64_t)(highest - lowest + 1));
}

static bool percent(struct chance *chance, int share) {
    return between(chance, 1, 100) <= share;
}

/* ---- Names. Some are odd, because real names are. */

static const char *const courses[] = {"algebra",
                                      "English: reading aloud",
                                      "数学 三年级",
                                      "physics #2",
                                      "History | Europe",
                                      "geografía",
                                      "chess club ♟️",
                                      "音楽 🎵",
                                      "C for beginners {evening}",
                                      "biology (lab)"};
enum { COURSES = sizeof courses / sizeof *courses };

static const char *const given_names[] = {"ann",    "Bob",    "Chen Wei", "Dana",  "Émile",  "Fatima",
                                          "さくら", "Jürgen", "Li Na",    "Мария", "O'Neil", "김민준"};
enum { GIVEN_NAMES = sizeof given_names / sizeof *given_names };

static const char *course_of(int64_t lesson) {
    return courses[lesson % COURSES];
}

static void print_uid(char text[LONGEST_ID], int64_t user) {
    snprintf(text, LONGEST_ID, "%s:%06" PRId64, given_names[user % GIVEN_NAMES], user);
}

/* ---- Events */

enum event_kind { CREATE, JOIN, QUIT, END };

struct event {
    int64_t unix_ms;
    uint64_t order; /* of creation, so that events of the same instant keep it */
    enum event_kind kind;
    int64_t lesson;
    int64_t user; /* -1: none */
};

struct lesson {
    int64_t number;
    int64_t opened_ms;
    int64_t begin_ms;
    int64_t end_ms;
};

struct day {
    struct chance chance;
    int64_t users;
    int64_t lesson_count;
    struct lesson *lessons;
    struct event *events;
    size_t count;
    size_t capacity;
};

static void *or_exit(void *memory) {
    if (memory)
        return memory;
    fputs("school_day: no memory left\n", stderr);
    exit(1);
}

static void add(struct day *day, int64_t unix_ms, enum event_kind kind, int64_t lesson, int64_t user) {
    if (day->count == day->capacity) {
        day->capacity = day->capacity ? day->capacity * 2 : 4096;
        day->events = or_exit(realloc(day->events, day->capacity * sizeof *day->events));
    }
    day->events[day->count] = (struct event){unix_ms, day->count, kind, lesson, user};
    day->count++;
}

/* Every second lesson begins in the late morning, the others evenly spread over the day. A few minutes vary at random.
 */
static struct lesson plan_lesson(struct day *day, int64_t number) {
    bool busy_hours = number % 2 == 0;
    int64_t first = busy_hours ? BUSY_BEGIN_MINUTE : FIRST_BEGIN_MINUTE;
    int64_t last = busy_hours ? BUSY_END_MINUTE : LAST_BEGIN_MINUTE;
    struct lesson lesson = {.number = number};
    lesson.begin_ms = DAY_BEGIN_MS + (first + (last - first) * number / day->lesson_count) * MINUTE_MS +
                      between(&day->chance, 0, 5 * MINUTE_MS);
    lesson.opened_ms = lesson.begin_ms - between(&day->chance, 10 * MINUTE_MS, 15 * MINUTE_MS);
    lesson.end_ms = lesson.begin_ms + between(&day->chance, 40 * MINUTE_MS, 90 * MINUTE_MS);
    return lesson;
}

/* Most users come in a wave before the class begins; some are late. */
static int64_t arrival_ms(struct day *day, const struct lesson *lesson) {
    if (percent(&day->chance, 80))
        return between(&day->chance, lesson->begin_ms - 9 * MINUTE_MS, lesson->begin_ms + MINUTE_MS);
    return between(&day->chance, lesson->begin_ms + MINUTE_MS, lesson->begin_ms + 25 * MINUTE_MS);
}

/* Returns another lesson that is open at this instant. NULL if ten random attempts find none. */
static const struct lesson *open_lesson(struct day *day, const struct lesson *but, int64_t at_ms) {
    for (int attempt = 0; attempt < 10; attempt++) {
        const struct lesson *lesson = &day->lessons[between(&day->chance, 0, day->lesson_count - 1)];
        if (lesson != but && lesson->opened_ms <= at_ms && at_ms < lesson->end_ms)
            return lesson;
    }
    return NULL;
}

/* The user changes rooms. The quit of the old room arrives some seconds after the join of the new one. */
static void move_on(struct day *day, const struct lesson *lesson, int64_t user, int64_t from_ms) {
    int64_t at_ms = between(&day->chance, from_ms, lesson->end_ms);
    const struct lesson *other = open_lesson(day, lesson, at_ms);
    if (other)
        add(day, at_ms, JOIN, other->number, user);
    add(day, at_ms + between(&day->chance, 500, 20000), QUIT, lesson->number, user);
}

static void attend(struct day *day, const struct lesson *lesson, int64_t user) {
    int64_t joined_ms = arrival_ms(day, lesson);
    add(day, joined_ms, JOIN, lesson->number, user);
    if (percent(&day->chance, 12)) /* a second device, or a reloaded page */
        add(day, between(&day->chance, joined_ms, lesson->end_ms), JOIN, lesson->number, user);
    int fate = (int)between(&day->chance, 1, 100);
    if (fate <= 8)
        move_on(day, lesson, user, joined_ms);
    else if (fate <= 75)
        add(day, between(&day->chance, lesson->end_ms - 10 * MINUTE_MS, lesson->end_ms + MINUTE_MS), QUIT,
            lesson->number, user);
    /* The others never quit; the end of the lesson removes them. */
}

/* The number of users who come to a lesson. A user is in several lessons of the day. */
static int64_t class_size(struct day *day) {
    int64_t average = day->users * 3 / day->lesson_count;
    if (average < 1)
        average = 1;
    return between(&day->chance, (average + 1) / 2, average + average / 2);
}

static void make_lesson(struct day *day, int64_t number) {
    const struct lesson *lesson = &day->lessons[number];
    add(day, lesson->opened_ms, CREATE, number, -1);
    int64_t size = class_size(day);
    int64_t first = between(&day->chance, 0, day->users - 1);
    for (int64_t i = 0; i < size; i++)
        attend(day, lesson, (first + i) % day->users);
    if (percent(&day->chance, 5)) /* a quit by a user who was never seen to join the room */
        add(day, lesson->begin_ms, QUIT, number, first);
    if (percent(&day->chance, 10)) /* the teacher's page creates the room again */
        add(day, lesson->begin_ms, CREATE, number, -1);
    add(day, lesson->end_ms + between(&day->chance, 0, 5 * MINUTE_MS), END, number, -1);
}

static int compare_events(const void *left, const void *right) {
    const struct event *a = left;
    const struct event *b = right;
    if (a->unix_ms != b->unix_ms)
        return a->unix_ms < b->unix_ms ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static void print_event(const struct event *event) {
    static const char *const words[] = {[CREATE] = "create", [JOIN] = "join", [QUIT] = "quit", [END] = "end"};
    char uid[LONGEST_ID] = "-";
    if (event->user >= 0)
        print_uid(uid, event->user);
    const char *course = course_of(event->lesson);
    printf("%" PRId64 "\t%s\t%s, lesson %" PRId64 "\t%s\t%s\n", event->unix_ms, words[event->kind], course,
           event->lesson + 1, course, uid);
}

static int print_day(struct day *day) {
    day->lessons = or_exit(calloc((size_t)day->lesson_count, sizeof *day->lessons));
    for (int64_t number = 0; number < day->lesson_count; number++)
        day->lessons[number] = plan_lesson(day, number);
    for (int64_t number = 0; number < day->lesson_count; number++)
        make_lesson(day, number);
    qsort(day->events, day->count, sizeof *day->events, compare_events);
    for (size_t i = 0; i < day->count; i++)
        print_event(&day->events[i]);
    free(day->events);
    free(day->lessons);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "school_day: standard output: %s\n", strerror(errno));
    return 1;
}

/* ---- Options */

static bool read_number(const char *text, int64_t lowest, int64_t highest, int64_t *number) {
    if (!text || *text == '\0')
        return false;
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    if (*end || errno || value < lowest || value > highest)
        return false;
    *number = value;
    return true;
}

static int usage(void) {
    fprintf(stderr, "usage: school_day [--seed N] [--users 1-%d] [--lessons 1-%d] [--noon]\n", USERS_MAX, LESSONS_MAX);
    return 2;
}

/* True if the option is known and its value is valid; NULL: it has no value. */
static bool read_option(struct day *day, int64_t *seed, const char *name, const char *value) {
    if (strcmp(name, "--seed") == 0)
        return read_number(value, 0, INT64_MAX, seed);
    if (strcmp(name, "--users") == 0)
        return read_number(value, 1, USERS_MAX, &day->users);
    return strcmp(name, "--lessons") == 0 && read_number(value, 1, LESSONS_MAX, &day->lesson_count);
}

int main(int argc, char **argv) {
    struct day day = {.users = 600, .lesson_count = 40};
    int64_t seed = 1;
    bool noon = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--noon") == 0)
            noon = true;
        else if (read_option(&day, &seed, argv[i], argv[i + 1]))
            i++;
        else
            return usage();
    }
    if (noon) {
        printf("%" PRId64 "\n", NOON_MS);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    day.chance.state = (uint64_t)seed;
    return print_day(&day);
}
