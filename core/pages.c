/* The lists by page. A backend gives a page by callback. Core copies it into the cursor, drops entries that an earlier
 * page gave, and returns it in pieces of the size that the caller wants. */
#include <stdlib.h>

#include "core.h"

/* An entry of any list. `offset` and `sizes` locate its ids in the texts of the cursor. */
enum { IDS_MAX = 5 };

typedef struct entry {
    size_t offset;
    uint16_t sizes[IDS_MAX]; /* 0: not given */
    lesson_store_lesson lesson;
    int64_t joined_ms; /* of a user */
} entry;

struct lesson_store_cursor {
    lesson_store *store;
    const void *executor; /* through which its pages are asked for; NULL: by direct calls */
    uint32_t number;      /* in that executor */
    uint32_t kind;        /* lesson_store_list_kind */
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    char course_id[LESSON_STORE_ID_MAX + 1];
    lesson_store_lesson_filter filter; /* its course is the one above */
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

    void *page; /* the caller's current page: an array of ids, lessons or users, and behind it their texts */

    int fill_code;                             /* the callback's code while a page is filled */
    char malformed[LESSON_STORE_MESSAGE_SIZE]; /* the first message of a MALFORMED page, "" for none */
    bool malformed_told;

    _Atomic(bool) pending;     /* a page of it is pending in the executor */
    _Atomic(uint32_t) holders; /* the last one frees it */
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

/* The entry that was added, NULL for none: there is no memory for it, or an earlier page gave it. */
static entry *add_ids(lesson_store_cursor *cursor, const lesson_store_id *ids, size_t id_count) {
    size_t size = 0;
    for (size_t i = 0; i < id_count; i++)
        size += ids[i].size;
    void *entries = cursor->entries, *texts = cursor->texts;
    bool has_room = grow(&entries, &cursor->capacity, cursor->count + 1, sizeof *cursor->entries);
    cursor->entries = entries;
    has_room = has_room && grow(&texts, &cursor->texts_capacity, cursor->texts_size + size, 1);
    cursor->texts = texts;
    cursor->fill_code = has_room ? meet(cursor, ids[0]) : no_memory();
    bool is_new = cursor->fill_code == LESSON_STORE_OK;
    if (cursor->fill_code == LESSON_STORE_EXISTS)
        cursor->fill_code = LESSON_STORE_OK;
    if (!is_new)
        return NULL;
    entry *made = &cursor->entries[cursor->count++];
    *made = (entry){.offset = cursor->texts_size};
    for (size_t i = 0; i < id_count; i++) {
        if (ids[i].size > 0)
            memcpy(cursor->texts + cursor->texts_size, ids[i].data, ids[i].size);
        cursor->texts_size += ids[i].size;
        made->sizes[i] = (uint16_t)ids[i].size;
    }
    return made;
}

static bool add_member(const lesson_store_id *uid, void *context) {
    lesson_store_cursor *cursor = context;
    add_ids(cursor, uid, 1);
    return cursor->fill_code == LESSON_STORE_OK;
}

static bool add_lesson(const lesson_store_lesson *lesson, void *context) {
    lesson_store_cursor *cursor = context;
    const lesson_store_id ids[] = {lesson->lesson_id, lesson->course_id};
    entry *made = add_ids(cursor, ids, 2);
    if (made)
        made->lesson = *lesson;
    return cursor->fill_code == LESSON_STORE_OK;
}

static bool add_user(const lesson_store_user *user, void *context) {
    lesson_store_cursor *cursor = context;
    const lesson_store_id ids[IDS_MAX] = {user->uid, user->course_id, user->lesson_id, user->session, user->owner};
    entry *made = add_ids(cursor, ids, IDS_MAX);
    if (made)
        made->joined_ms = user->joined_ms;
    return cursor->fill_code == LESSON_STORE_OK;
}

static int ask(lesson_store_cursor *cursor, lesson_store_instance *instance, size_t most) {
    const lesson_store_backend *backend = &cursor->store->backend;
    lesson_store_id lesson_id = lesson_store_id_of(cursor->lesson_id);
    switch (cursor->kind) {
    case LESSON_STORE_LIST_MEMBERS:
        return backend->members_page(instance, &lesson_id, most, &cursor->position, add_member, cursor);
    case LESSON_STORE_LIST_LESSONS:
        if (!lesson_store__filter_is_empty(&cursor->filter))
            return backend->find_lessons_page(instance, &cursor->filter, most, &cursor->position, add_lesson, cursor);
        return backend->lessons_page(instance, most, &cursor->position, add_lesson, cursor);
    default:
        return backend->users_page(instance, most, &cursor->position, add_user, cursor);
    }
}

static bool has_function(const lesson_store_backend *backend, const lesson_store_list *list) {
    if (list->kind == LESSON_STORE_LIST_MEMBERS)
        return backend->members_page != NULL;
    if (list->kind == LESSON_STORE_LIST_USERS)
        return backend->users_page != NULL;
    return lesson_store__filter_is_empty(&list->filter) ? backend->lessons_page != NULL
                                                        : backend->find_lessons_page != NULL;
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

static const uint32_t counted[] = {
    [LESSON_STORE_LIST_MEMBERS] = LESSON_STORE_COUNTED_MEMBERS_PAGE,
    [LESSON_STORE_LIST_LESSONS] = LESSON_STORE_COUNTED_LESSONS_PAGE,
    [LESSON_STORE_LIST_USERS] = LESSON_STORE_COUNTED_USERS_PAGE,
};

/* Asks the backend for one page, into an empty cursor. MALFORMED is kept until the list ends. After another failure,
 * the next call asks for the same page again. A backend that never repeats then gives all of it again, so what came is
 * dropped. With any other backend the entries that came are kept, because core drops their repetition. */
static int fill(lesson_store_cursor *cursor, size_t most) {
    lesson_store *store = cursor->store;
    const lesson_store_position before = cursor->position;
    cursor->count = cursor->next = cursor->texts_size = 0;
    cursor->fill_code = LESSON_STORE_OK;
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, counted[cursor->kind], true, true, &code);
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

/* ---- Returning pages */

static const size_t item_sizes[] = {
    [LESSON_STORE_LIST_MEMBERS] = sizeof(lesson_store_id),
    [LESSON_STORE_LIST_LESSONS] = sizeof(lesson_store_lesson),
    [LESSON_STORE_LIST_USERS] = sizeof(lesson_store_user),
};

/* Takes the next id of an entry from its texts. */
static lesson_store_id next_id(const entry *of, size_t which, const char **texts) {
    lesson_store_id id = {*texts, of->sizes[which]};
    *texts += id.size;
    return id.size > 0 ? id : (lesson_store_id){NULL, 0};
}

static void write_lesson(lesson_store_lesson *lesson, const entry *from, const char *texts) {
    *lesson = from->lesson;
    lesson->lesson_id = next_id(from, 0, &texts);
    lesson->course_id = next_id(from, 1, &texts);
}

static void write_user(lesson_store_user *user, const entry *from, const char *texts) {
    memset(user, 0, sizeof *user);
    user->uid = next_id(from, 0, &texts);
    user->course_id = next_id(from, 1, &texts);
    user->lesson_id = next_id(from, 2, &texts);
    user->session = next_id(from, 3, &texts);
    user->owner = next_id(from, 4, &texts);
    user->joined_ms = from->joined_ms;
}

static void write_item(const lesson_store_cursor *cursor, const entry *from, size_t index, const char *texts) {
    if (cursor->kind == LESSON_STORE_LIST_MEMBERS)
        ((lesson_store_id *)cursor->page)[index] = next_id(from, 0, &texts);
    else if (cursor->kind == LESSON_STORE_LIST_LESSONS)
        write_lesson(&((lesson_store_lesson *)cursor->page)[index], from, texts);
    else
        write_user(&((lesson_store_user *)cursor->page)[index], from, texts);
}

/* The page has copies of the texts, so it stays as it is while the cursor is filled again. */
static int hand_out(lesson_store_cursor *cursor, size_t most, size_t *count) {
    size_t ready = cursor->count - cursor->next;
    ready = ready < most ? ready : most;
    *count = ready;
    if (ready == 0)
        return LESSON_STORE_OK;
    size_t end = cursor->next + ready, texts_from = cursor->entries[cursor->next].offset;
    size_t texts_end = end < cursor->count ? cursor->entries[end].offset : cursor->texts_size;
    size_t items_size = ready * item_sizes[cursor->kind];
    char *page = realloc(cursor->page, items_size + (texts_end - texts_from));
    if (!page)
        return no_memory();
    cursor->page = page;
    memcpy(page + items_size, cursor->texts + texts_from, texts_end - texts_from);
    for (size_t i = 0; i < ready; i++) {
        const entry *from = &cursor->entries[cursor->next + i];
        write_item(cursor, from, i, page + items_size + (from->offset - texts_from));
    }
    cursor->next = end;
    return LESSON_STORE_OK;
}

/* The list has ended: reports once that some entries could not be listed. */
static int finish(lesson_store_cursor *cursor) {
    if (!cursor->malformed[0] || cursor->malformed_told)
        return LESSON_STORE_OK;
    cursor->malformed_told = true;
    return lesson_store_fail(LESSON_STORE_MALFORMED, "%s", cursor->malformed);
}

static bool is_waiting(const lesson_store_cursor *cursor) {
    return cursor->next == cursor->count && !cursor->position.ended;
}

/* Asks the backend at most once. False if it gave nothing, and the list has not ended: try again. */
static bool try_page(lesson_store_cursor *cursor, size_t most, size_t *count, int *code) {
    *code = is_waiting(cursor) ? fill(cursor, most) : LESSON_STORE_OK;
    if (!*code && is_waiting(cursor))
        return false;
    if (!*code)
        *code = hand_out(cursor, most, count);
    if (!*code && *count == 0)
        *code = finish(cursor);
    return true;
}

/* ---- Cursors */

static lesson_store_cursor *open_cursor(lesson_store *store, const lesson_store_list *list) {
    lesson_store_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor) {
        no_memory();
        return NULL;
    }
    cursor->store = store;
    cursor->kind = list->kind;
    lesson_store_id_copy(cursor->lesson_id, list->lesson_id);
    lesson_store_id_copy(cursor->course_id, list->filter.course_id);
    cursor->filter = list->filter;
    if (list->filter.course_id.data)
        cursor->filter.course_id = lesson_store_id_of(cursor->course_id);
    atomic_init(&cursor->holders, 1);
    return cursor;
}

static bool reads(const lesson_store_cursor *cursor, const lesson_store *store, const lesson_store_list *list,
                  const void *executor) {
    return cursor->store == store && cursor->executor == executor && cursor->kind == list->kind &&
           lesson_store_id_equal(lesson_store_id_of(cursor->lesson_id), list->lesson_id) &&
           lesson_store__filter_equal(&cursor->filter, &list->filter);
}

static int check_list(const lesson_store *store, const lesson_store_list *list, const void *executor,
                      const lesson_store_cursor *cursor) {
    if (list->most == 0 || list->most > LESSON_STORE_PAGE_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "page: %zu entries are not between 1 and %d", list->most,
                                 LESSON_STORE_PAGE_MAX);
    if (cursor && !reads(cursor, store, list, executor))
        return lesson_store_fail(LESSON_STORE_INVALID, "page: the cursor belongs to another list");
    if (!has_function(&store->backend, list))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend has no pages of this list",
                                 store->location.shown);
    return LESSON_STORE_OK;
}

void lesson_store_cursor_close(lesson_store_cursor *cursor) {
    if (!cursor || atomic_fetch_sub_explicit(&cursor->holders, 1, memory_order_acq_rel) > 1)
        return;
    lesson_store_seen_free(cursor->seen);
    free(cursor->entries);
    free(cursor->texts);
    free(cursor->page);
    free(cursor);
}

/* ---- For the executor */

int lesson_store__list_check(const lesson_store *store, const lesson_store_list *list, const void *executor,
                             const lesson_store_cursor *cursor) {
    bool has_lesson = list->kind == LESSON_STORE_LIST_MEMBERS;
    int code = LESSON_STORE_OK;
    if (list->kind < LESSON_STORE_LIST_MEMBERS || list->kind > LESSON_STORE_LIST_USERS)
        return lesson_store_fail(LESSON_STORE_INVALID, "list: %u is no kind", (unsigned)list->kind);
    if (has_lesson)
        code = lesson_store_id_check("lesson_id", list->lesson_id);
    else if (list->lesson_id.data || list->lesson_id.size > 0)
        code = lesson_store_fail(LESSON_STORE_INVALID, "list: this one takes no lesson_id");
    if (!code)
        code = lesson_store__filter_check(&list->filter);
    if (!code && list->kind != LESSON_STORE_LIST_LESSONS && !lesson_store__filter_is_empty(&list->filter))
        code = lesson_store_fail(LESSON_STORE_INVALID, "list: only lessons have a filter");
    for (size_t i = 0; i < sizeof list->reserved / sizeof list->reserved[0] && !code; i++) {
        if (list->reserved_kind || list->reserved[i])
            code = lesson_store_fail(LESSON_STORE_INVALID, "list: the reserved fields are not zero");
    }
    return code ? code : check_list(store, list, executor, cursor);
}

lesson_store_cursor *lesson_store__cursor_open(lesson_store *store, const lesson_store_list *list, const void *executor,
                                               uint32_t number) {
    lesson_store_cursor *cursor = open_cursor(store, list);
    if (!cursor)
        return NULL;
    cursor->executor = executor;
    cursor->number = number;
    return cursor;
}

uint32_t lesson_store__cursor_number(const lesson_store_cursor *cursor) {
    return cursor->number;
}

bool lesson_store__cursor_begin_page(lesson_store_cursor *cursor) {
    if (atomic_exchange_explicit(&cursor->pending, true, memory_order_acq_rel))
        return false;
    atomic_fetch_add_explicit(&cursor->holders, 2, memory_order_relaxed);
    return true;
}

void lesson_store__cursor_end_page(lesson_store_cursor *cursor) {
    atomic_store_explicit(&cursor->pending, false, memory_order_release);
    lesson_store_cursor_close(cursor);
}

bool lesson_store__cursor_try_page(lesson_store_cursor *cursor, size_t most, lesson_store__page *page) {
    page->entries = NULL;
    page->count = 0;
    if (!try_page(cursor, most, &page->count, &page->code))
        return false;
    if (page->code)
        page->count = 0;
    if (page->count > 0) {
        page->entries = cursor->page;
        cursor->page = NULL;
    }
    return true;
}

void lesson_store__cursor_take_back(lesson_store_cursor *cursor, lesson_store__page *page) {
    cursor->next -= page->count;
    if (page->code == LESSON_STORE_MALFORMED)
        cursor->malformed_told = false;
    free(page->entries);
    page->entries = NULL;
}

/* ---- The calls */

/* `*out` becomes the page. */
static int next_page(lesson_store *store, const lesson_store_list *list, lesson_store_cursor **cursor, const void **out,
                     size_t *count) {
    if (!store || !cursor || !out || !count)
        return lesson_store_fail(LESSON_STORE_INVALID, "no %s is given",
                                 !store    ? "store"
                                 : !cursor ? "cursor"
                                           : "array or count");
    int code = check_list(store, list, NULL, *cursor);
    if (!code)
        code = lesson_store__pool_check_caller(&store->pool);
    if (code)
        return code;
    if (!*cursor)
        *cursor = open_cursor(store, list);
    if (!*cursor)
        return LESSON_STORE_NO_MEMORY;
    while (!try_page(*cursor, list->most, count, &code))
        ;
    *out = (*cursor)->page;
    return code;
}

int lesson_store_members_page(lesson_store *store, const char *lesson_id, size_t most, lesson_store_cursor **cursor,
                              const lesson_store_id **uids, size_t *count) {
    const lesson_store_list list = {
        .kind = LESSON_STORE_LIST_MEMBERS, .most = most, .lesson_id = lesson_store_id_of(lesson_id)};
    int code = lesson_store_id_check("lesson_id", list.lesson_id);
    const void *page = NULL;
    if (!code)
        code = next_page(store, &list, cursor, uids ? &page : NULL, count);
    if (!code && uids)
        *uids = page;
    return code;
}

static int lessons_page(lesson_store *store, const lesson_store_list *list, lesson_store_cursor **cursor,
                        const lesson_store_lesson **lessons, size_t *count) {
    const void *page = NULL;
    int code = next_page(store, list, cursor, lessons ? &page : NULL, count);
    if (!code && lessons)
        *lessons = page;
    return code;
}

int lesson_store_lessons_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                              const lesson_store_lesson **lessons, size_t *count) {
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_LESSONS, .most = most};
    return lessons_page(store, &list, cursor, lessons, count);
}

int lesson_store_find_lessons_page(lesson_store *store, const lesson_store_lesson_filter *filter, size_t most,
                                   lesson_store_cursor **cursor, const lesson_store_lesson **lessons, size_t *count) {
    int code = lesson_store__filter_check(filter);
    if (code)
        return code;
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_LESSONS, .most = most, .filter = *filter};
    return lessons_page(store, &list, cursor, lessons, count);
}

int lesson_store_users_page(lesson_store *store, size_t most, lesson_store_cursor **cursor,
                            const lesson_store_user **users, size_t *count) {
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = most};
    const void *page = NULL;
    int code = next_page(store, &list, cursor, users ? &page : NULL, count);
    if (!code && users)
        *users = page;
    return code;
}
