#include "references.h"

#include <stdlib.h>

#include "measure.h"

#define NAME_MAX_SIZE 23
#define NONE UINT32_MAX

/* An id, its hash, and its data. Users, lessons and courses are each kept in an array of their own. */
typedef struct open_name {
    uint8_t size;
    char bytes[NAME_MAX_SIZE];
} open_name;

typedef struct open_user {
    open_name id;
    uint32_t hash;
    uint32_t lesson;
    uint32_t course;
    uint32_t index; /* in the lesson's members */
} open_user;

typedef struct open_lesson {
    open_name id;
    uint32_t hash;
    uint32_t latest_course;
    uint32_t *members;
    uint32_t count;
    uint32_t capacity;
} open_lesson;

typedef struct open_course {
    open_name id;
} open_course;

/* Hashes and numbers, at most half full. A collision goes to the next slot. */
typedef struct open_slot {
    uint32_t hash;
    uint32_t number_plus_one; /* 0: free */
} open_slot;

typedef struct open_slots {
    open_slot *slots;
    uint32_t mask;
    uint32_t count;
} open_slots;

typedef struct open_table {
    open_slots user_slots;
    open_slots lesson_slots;
    open_user *users;
    uint32_t user_count, user_capacity, idle; /* idle users form a list by `index` */
    open_lesson *lessons;
    uint32_t lesson_count, lesson_capacity;
    open_course *courses;
    uint32_t course_count;
} open_table;

static void *grown(void *array, uint32_t *capacity, size_t item_size) {
    *capacity = *capacity ? *capacity * 2 : 64;
    array = realloc(array, *capacity * item_size);
    measure_must(array, "no memory");
    return array;
}

static void set_name(open_name *name, lesson_store_id id) {
    measure_must(id.size <= NAME_MAX_SIZE, "an id of %zu bytes", id.size);
    name->size = (uint8_t)id.size;
    memcpy(name->bytes, id.data, id.size);
}

static inline bool is_named(const open_name *name, lesson_store_id id) {
    return name->size == id.size && !reference_differs(name->bytes, id.data, id.size);
}

static void put(open_slots *slots, uint32_t hash, uint32_t number) {
    uint32_t at = hash & slots->mask;
    while (slots->slots[at].number_plus_one)
        at = (at + 1) & slots->mask;
    slots->slots[at] = (open_slot){hash, number + 1};
    slots->count++;
}

static void add(open_slots *slots, uint32_t hash, uint32_t number) {
    if (!slots->slots || slots->count > slots->mask / 2) {
        struct open_slots larger = {.mask = slots->slots ? slots->mask * 2 + 1 : 127};
        larger.slots = calloc((size_t)larger.mask + 1, sizeof *larger.slots);
        measure_must(larger.slots, "no memory");
        for (uint32_t i = 0; slots->slots && i <= slots->mask; i++) {
            if (slots->slots[i].number_plus_one)
                put(&larger, slots->slots[i].hash, slots->slots[i].number_plus_one - 1);
        }
        free(slots->slots);
        *slots = larger;
    }
    put(slots, hash, number);
}

static void drop(open_slots *slots, uint32_t hash, uint32_t number) {
    uint32_t gap = hash & slots->mask;
    while (slots->slots[gap].number_plus_one != number + 1)
        gap = (gap + 1) & slots->mask;
    for (uint32_t at = (gap + 1) & slots->mask; slots->slots[at].number_plus_one; at = (at + 1) & slots->mask) {
        uint32_t home = slots->slots[at].hash & slots->mask;
        if (((at - home) & slots->mask) < ((at - gap) & slots->mask))
            continue;
        slots->slots[gap] = slots->slots[at];
        gap = at;
    }
    slots->slots[gap].number_plus_one = 0;
    slots->count--;
}

static inline open_user *find_user(const open_table *table, lesson_store_id uid, uint32_t hash) {
    const open_slots *slots = &table->user_slots;
    for (uint32_t at = hash & slots->mask; slots->slots && slots->slots[at].number_plus_one;
         at = (at + 1) & slots->mask) {
        open_user *found = &table->users[slots->slots[at].number_plus_one - 1];
        if (slots->slots[at].hash == hash && is_named(&found->id, uid))
            return found;
    }
    return NULL;
}

static uint32_t add_lesson(open_table *table, lesson_store_id id, uint32_t hash) {
    if (table->lesson_count == table->lesson_capacity)
        table->lessons = grown(table->lessons, &table->lesson_capacity, sizeof *table->lessons);
    open_lesson *added = &table->lessons[table->lesson_count];
    *added = (open_lesson){.hash = hash, .latest_course = NONE};
    set_name(&added->id, id);
    add(&table->lesson_slots, hash, table->lesson_count);
    return table->lesson_count++;
}

static inline uint32_t need_lesson(open_table *table, lesson_store_id id) {
    uint32_t hash = reference_hash(id.data, id.size);
    const open_slots *slots = &table->lesson_slots;
    for (uint32_t at = hash & slots->mask; slots->slots && slots->slots[at].number_plus_one;
         at = (at + 1) & slots->mask) {
        uint32_t number = slots->slots[at].number_plus_one - 1;
        if (slots->slots[at].hash == hash && is_named(&table->lessons[number].id, id))
            return number;
    }
    return add_lesson(table, id, hash);
}

/* Courses are few, and are only searched if the lesson's latest course is another one. */
static uint32_t need_course(open_table *table, lesson_store_id id) {
    for (uint32_t i = 0; i < table->course_count; i++) {
        if (is_named(&table->courses[i].id, id))
            return i;
    }
    table->courses = realloc(table->courses, (table->course_count + 1) * sizeof *table->courses);
    measure_must(table->courses, "no memory");
    set_name(&table->courses[table->course_count].id, id);
    return table->course_count++;
}

static inline void leave(open_table *table, open_user *user) {
    open_lesson *old = &table->lessons[user->lesson];
    uint32_t last = old->members[--old->count];
    old->members[user->index] = last;
    table->users[last].index = user->index;
}

static inline void enter(open_table *table, open_user *user, uint32_t number) {
    open_lesson *entered = &table->lessons[number];
    if (entered->count == entered->capacity)
        entered->members = grown(entered->members, &entered->capacity, sizeof *entered->members);
    user->lesson = number;
    user->index = entered->count;
    entered->members[entered->count++] = (uint32_t)(user - table->users);
}

static open_user *add_user(open_table *table, lesson_store_id uid, uint32_t hash) {
    uint32_t number = table->idle;
    if (number != NONE) {
        table->idle = table->users[number].index;
    } else {
        if (table->user_count == table->user_capacity)
            table->users = grown(table->users, &table->user_capacity, sizeof *table->users);
        number = table->user_count++;
    }
    open_user *added = &table->users[number];
    set_name(&added->id, uid);
    added->hash = hash;
    added->lesson = NONE;
    add(&table->user_slots, hash, number);
    return added;
}

static inline bool join_one(open_table *table, const workload_join *join) {
    uint32_t hash = reference_hash(join->uid.data, join->uid.size);
    open_user *user = find_user(table, join->uid, hash);
    uint32_t number = need_lesson(table, join->lesson_id);
    open_lesson *lesson = &table->lessons[number];
    if (lesson->latest_course == NONE || !is_named(&table->courses[lesson->latest_course].id, join->course_id))
        lesson->latest_course = need_course(table, join->course_id);
    bool found = user;
    if (!user)
        user = add_user(table, join->uid, hash);
    user->course = lesson->latest_course;
    if (user->lesson != number) {
        if (user->lesson != NONE)
            leave(table, user);
        enter(table, user, number);
    }
    return found;
}

static inline bool quit_one(open_table *table, lesson_store_id uid) {
    uint32_t hash = reference_hash(uid.data, uid.size);
    open_user *user = find_user(table, uid, hash);
    if (!user)
        return false;
    uint32_t number = (uint32_t)(user - table->users);
    leave(table, user);
    drop(&table->user_slots, hash, number);
    user->index = table->idle;
    table->idle = number;
    return true;
}

static inline bool where_one(open_table *table, lesson_store_id uid, reference_place *place) {
    const open_user *user = find_user(table, uid, reference_hash(uid.data, uid.size));
    if (!user)
        return false;
    const open_name *course_id = &table->courses[user->course].id;
    const open_name *lesson_id = &table->lessons[user->lesson].id;
    reference_copy(place->course_id, course_id->bytes, course_id->size);
    reference_copy(place->lesson_id, lesson_id->bytes, lesson_id->size);
    return true;
}

REFERENCE_LOOPS(open_table)

static void *make_table(void) {
    open_table *table = calloc(1, sizeof *table);
    measure_must(table, "no memory");
    table->idle = NONE;
    return table;
}

static void close_table(void *context) {
    open_table *table = context;
    for (uint32_t i = 0; i < table->lesson_count; i++)
        free(table->lessons[i].members);
    free(table->user_slots.slots);
    free(table->lesson_slots.slots);
    free(table->users);
    free(table->lessons);
    free(table->courses);
    free(table);
}

const reference open_addressing = {"open-addressing", make_table, close_table, join_all, quit_all, where_all, NULL};
