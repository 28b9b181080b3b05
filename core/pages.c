/* The lists by page. A backend gives a page by callback. Core copies it into the cursor, drops entries that an earlier
 * page gave, and returns it in pieces of the size that the caller wants. */
#include <stdlib.h>

#include "core.h"

typedef enum list_kind { LIST_MEMBERS, LIST_LESSONS, LIST_USERS } list_kind;

/* An entry of any list. `offset` and `sizes` locate its ids in the texts of the cursor. */
enum { IDS_MAX = 5 };

typedef struct entry {
    size_t offset;
    uint16_t sizes[IDS_MAX]; /* 0: not given */
    lesson_store_lesson lesson;
} entry;

struct lesson_store_cursor {
    lesson_store *store;
    list_kind kind;
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    lesson_store_position position;
    lesson_store_seen *seen;

    /* The entries that the backend gave and the caller has not taken: from `next` to `count`. */
    entry *entries;
    size_t count;
    size_t capacity;
    size_t next;
    char *texts;
    size_t texts_size;
    size_t texts_capacity;

    void *page; /* the caller's current page: an array of ids, lessons or users */

    int fill_code;                             /* the callback's code while a page is filled */
    char malformed[LESSON_STORE_MESSAGE_SIZE]; /* the first message of a MALFORMED page, "" for none */
};

/* ---- Filling the cursor */

static bool grow(void **memory, size_t *capacity, size_t needed, size_t item_size) {
    if (needed <= *capacity)
        return true;
    size_t wanted = *capacity ? *capacity : 64;
    while (wanted < needed)
        wanted *= 2;
    void *grown = realloc(*memory, wanted * item_size);
    if (!grown)
        return false;
    *memory = grown;
    *capacity = wanted;
    return true;
}

static int no_memory(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory left for a page");
}

/* EXISTS if an earlier page gave this entry. */
static int meet(lesson_store_cursor *cursor, lesson_store_id id) {
    return cursor->position.never_repeats ? LESSON_STORE_OK : lesson_store_seen_add(&cursor->seen, id.data, id.size);
}

static bool add(lesson_store_cursor *cursor, const lesson_store_id *ids, size_t id_count,
                const lesson_store_lesson *lesson) {
    size_t size = 0;
    for (size_t i = 0; i < id_count; i++)
        size += ids[i].size;
    void *entries = cursor->entries, *texts = cursor->texts;
    bool has_room = grow(&entries, &cursor->capacity, cursor->count + 1, sizeof *cursor->entries);
    cursor->entries = entries;
    has_room = has_room && grow(&texts, &cursor->texts_capacity, cursor->texts_size + size, 1);
    cursor->texts = texts;
    cursor->fill_code = has_room ? meet(cursor, ids[0]) : no_memory();
    if (cursor->fill_code == LESSON_STORE_EXISTS)
        cursor->fill_code = LESSON_STORE_OK;
    else if (cursor->fill_code == LESSON_STORE_OK) {
        entry *made = &cursor->entries[cursor->count++];
        *made = (entry){.offset = cursor->texts_size};
        for (size_t i = 0; i < id_count; i++) {
            if (ids[i].size > 0)
                memcpy(cursor->texts + cursor->texts_size, ids[i].data, ids[i].size);
            cursor->texts_size += ids[i].size;
            made->sizes[i] = (uint16_t)ids[i].size;
        }
        if (lesson)
            made->lesson = *lesson;
    }
    return cursor->fill_code == LESSON_STORE_OK;
}

static bool add_member(const lesson_store_id *uid, void *context) {
    return add(context, uid, 1, NULL);
}

static bool add_lesson(const lesson_store_lesson *lesson, void *context) {
    const lesson_store_id ids[] = {lesson->lesson_id, lesson->course_id};
    return add(context, ids, 2, lesson);
}

static bool add_user(const lesson_store_user *user, void *context) {
    const lesson_store_id ids[IDS_MAX] = {user->uid, user->course_id, user->lesson_id, user->session, user->owner};
    return add(context, ids, IDS_MAX, NULL);
}

static int ask(lesson_store_cursor *cursor, lesson_store_instance *instance, size_t most) {
    const lesson_store_backend *backend = &cursor->store->backend;
    lesson_store_id lesson_id = lesson_store_id_of(cursor->lesson_id);
    switch (cursor->kind) {
    case LIST_MEMBERS:
        return backend->members_page(instance, &lesson_id, most, &cursor->position, add_member, cursor);
    case LIST_LESSONS:
        return backend->lessons_page(instance, most, &cursor->position, add_lesson, cursor);
    default:
        return backend->users_page(instance, most, &cursor->position, add_user, cursor);
    }
}

static bool has_function(const lesson_store_backend *backend, list_kind kind) {
    return kind == LIST_MEMBERS   ? backend->members_page != NULL
           : kind == LIST_LESSONS ? backend->lessons_page != NULL
                                  : backend->users_page != NULL;
}

static bool is_same_position(const lesson_store_position *a, const lesson_store_position *b) {
    return strcmp(a->id, b->id) == 0 && memcmp(a->words, b->words, sizeof a->words) == 0 && a->ended == b->ended;
}

/* A page that neither gives an entry nor moves the position would be asked for again without end. */
static int end_of_page(lesson_store_cursor *cursor, const lesson_store_position *before, int code) {
    if (cursor->count > 0 || !is_same_position(before, &cursor->position))
        return code;
    if (code == LESSON_STORE_MALFORMED)
        cursor->position.ended = true;
    return code ? code
                : lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend gave a page that does not move",
                                    cursor->store->location.shown);
}

/* Asks the backend for one page, into an empty cursor. MALFORMED is kept until the list ends. After another failure,
 * the next call asks for the same page again. A backend that never repeats then gives all of it again, so what came is
 * dropped. With any other backend the entries that came are kept, because core drops their repetition. */
static int fill(lesson_store_cursor *cursor, size_t most) {
    lesson_store *store = cursor->store;
    const lesson_store_position before = cursor->position;
    cursor->count = cursor->next = cursor->texts_size = 0;
    cursor->fill_code = LESSON_STORE_OK;
    int code;
    lesson_store__slot *slot = lesson_store__pool_take_for_stream(&store->pool, &code);
    if (!slot)
        return code;
    code = lesson_store__end_stream(store, slot, ask(cursor, slot->instance, most));
    if (cursor->fill_code)
        code = cursor->fill_code;
    if (code && code != LESSON_STORE_MALFORMED && cursor->position.never_repeats)
        cursor->count = cursor->texts_size = 0;
    code = end_of_page(cursor, &before, code);
    if (code != LESSON_STORE_MALFORMED)
        return code;
    if (!cursor->malformed[0])
        memcpy(cursor->malformed, lesson_store_message(), sizeof cursor->malformed);
    return LESSON_STORE_OK;
}

static int fill_until_some(lesson_store_cursor *cursor, size_t most) {
    int code = LESSON_STORE_OK;
    while (!code && cursor->next == cursor->count && !cursor->position.ended)
        code = fill(cursor, most);
    return code;
}

/* ---- Returning pages */

static lesson_store_id id_at(const lesson_store_cursor *cursor, const entry *of, size_t which) {
    size_t offset = of->offset;
    for (size_t i = 0; i < which; i++)
        offset += of->sizes[i];
    lesson_store_id id = {cursor->texts + offset, of->sizes[which]};
    return id.size > 0 ? id : (lesson_store_id){NULL, 0};
}

static const size_t item_sizes[] = {
    [LIST_MEMBERS] = sizeof(lesson_store_id),
    [LIST_LESSONS] = sizeof(lesson_store_lesson),
    [LIST_USERS] = sizeof(lesson_store_user),
};

static void write_item(const lesson_store_cursor *cursor, const entry *from, size_t index) {
    if (cursor->kind == LIST_MEMBERS) {
        ((lesson_store_id *)cursor->page)[index] = id_at(cursor, from, 0);
    } else if (cursor->kind == LIST_LESSONS) {
        lesson_store_lesson *lesson = &((lesson_store_lesson *)cursor->page)[index];
        *lesson = from->lesson;
        lesson->lesson_id = id_at(cursor, from, 0);
        lesson->course_id = id_at(cursor, from, 1);
    } else {
        lesson_store_user user = {.uid = id_at(cursor, from, 0),
                                  .course_id = id_at(cursor, from, 1),
                                  .lesson_id = id_at(cursor, from, 2),
                                  .session = id_at(cursor, from, 3),
                                  .owner = id_at(cursor, from, 4)};
        ((lesson_store_user *)cursor->page)[index] = user;
    }
}

static int hand_out(lesson_store_cursor *cursor, size_t most, size_t *count) {
    size_t ready = cursor->count - cursor->next;
    ready = ready < most ? ready : most;
    void *page = ready > 0 ? realloc(cursor->page, ready * item_sizes[cursor->kind]) : cursor->page;
    if (!page && ready > 0)
        return no_memory();
    cursor->page = page;
    for (size_t i = 0; i < ready; i++)
        write_item(cursor, &cursor->entries[cursor->next + i], i);
    cursor->next += ready;
    *count = ready;
    return LESSON_STORE_OK;
}

/* The list has ended: reports once that some entries could not be listed. */
static int finish(lesson_store_cursor *cursor) {
    if (!cursor->malformed[0])
        return LESSON_STORE_OK;
    int code = lesson_store_fail(LESSON_STORE_MALFORMED, "%s", cursor->malformed);
    cursor->malformed[0] = '\0';
    return code;
}

/* ---- The calls */

static lesson_store_cursor *open_cursor(lesson_store *store, list_kind kind, const char *lesson_id) {
    lesson_store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return NULL;
    cursor->store = store;
    cursor->kind = kind;
    lesson_store_id_copy(cursor->lesson_id, lesson_store_id_of(lesson_id));
    return cursor;
}

static int check_page(lesson_store *store, list_kind kind, const char *lesson_id, size_t most,
                      const lesson_store_cursor *cursor) {
    if (most == 0 || most > LESSON_STORE_PAGE_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "page: %zu entries are not between 1 and %d", most,
                                 LESSON_STORE_PAGE_MAX);
    if (cursor && (cursor->store != store || cursor->kind != kind || strcmp(cursor->lesson_id, lesson_id) != 0))
        return lesson_store_fail(LESSON_STORE_INVALID, "page: the cursor belongs to another list");
    if (!has_function(&store->backend, kind))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend has no pages of this list",
                                 store->location.shown);
    return lesson_store__pool_check_caller(&store->pool);
}

static int next_entries(lesson_store_cursor *cursor, size_t most, size_t *count) {
    int code = fill_until_some(cursor, most);
    if (!code)
        code = hand_out(cursor, most, count);
    return !code && *count == 0 ? finish(cursor) : code;
}

/* `*out` becomes the page. */
static int next_page(lesson_store *store, list_kind kind, const char *lesson_id, size_t most,
                     lesson_store_cursor **cursor, const void **out, size_t *count) {
    if (!store || !cursor || !out || !count)
        return lesson_store_fail(LESSON_STORE_INVALID, "no %s is given",
                                 !store    ? "store"
                                 : !cursor ? "cursor"
                                           : "array or count");
    int code = check_page(store, kind, lesson_id, most, *cursor);
    if (code)
        return code;
    lesson_store_cursor *list = *cursor ? *cursor : open_cursor(store, kind, lesson_id);
    if (!list)
        return no_memory();
    *cursor = list;
    code = next_entries(list, most, count);
    *out = list->page;
    return code;
}

int lesson_store_members_page(lesson_store *store, const char *lesson_id, size_t most, lesson_store_cursor **cursor,
                              const lesson_store_id **uids, size_t *count) {
    int code = lesson_store_id_check("lesson_id", lesson_store_id_of(lesson_id));
    const void *page = NULL;
    if (!code)
        code = next_page(store, LIST_MEMBERS, lesson_id, most, cursor, uids ? &page : NULL, count);
    if (!code && uids)
        *uids = page;
    return code;
}

int lesson_store_lessons_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                              const lesson_store_lesson **lessons, size_t *count) {
    const void *page = NULL;
    int code = next_page(store, LIST_LESSONS, "", most, cursor, lessons ? &page : NULL, count);
    if (!code && lessons)
        *lessons = page;
    return code;
}

int lesson_store_users_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                            const lesson_store_user **users, size_t *count) {
    const void *page = NULL;
    int code = next_page(store, LIST_USERS, "", most, cursor, users ? &page : NULL, count);
    if (!code && users)
        *users = page;
    return code;
}

void lesson_store_cursor_close(lesson_store_cursor *cursor) {
    if (!cursor)
        return;
    lesson_store_seen_free(cursor->seen);
    free(cursor->entries);
    free(cursor->texts);
    free(cursor->page);
    free(cursor);
}
