/* Wrong lists by page. */
#include "wrapper.h"
#include "wrong_backends.h"

struct page {
    lesson_store_member_callback give_member;
    lesson_store_user_callback give_user;
    void *context;
    uint64_t given;
};

/* ---- Entries that are lost or repeated */

static bool lose_third(const lesson_store_user *user, void *context) {
    struct page *page = context;
    return ++page->given == 3 || page->give_user(user, page->context);
}

static int users_page_loses_one(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                                lesson_store_user_callback callback, void *context) {
    struct page page = {.give_user = callback, .context = context};
    return wrapper_users_page(instance, most, position, lose_third, &page);
}

static void users_page_loses_one_table(lesson_store_backend *table) {
    table->users_page = users_page_loses_one;
}

static bool lose_time(const lesson_store_user *user, void *context) {
    const struct page *page = context;
    lesson_store_user timeless = *user;
    timeless.joined_ms = 0;
    return page->give_user(&timeless, page->context);
}

static int users_page_loses_times(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                                  lesson_store_user_callback callback, void *context) {
    struct page page = {.give_user = callback, .context = context};
    return wrapper_users_page(instance, most, position, lose_time, &page);
}

static void users_page_loses_times_table(lesson_store_backend *table) {
    table->users_page = users_page_loses_times;
}

static bool give_twice(const lesson_store_id *uid, void *context) {
    struct page *page = context;
    return page->give_member(uid, page->context) && page->give_member(uid, page->context);
}

/* It repeats entries although it declares never_repeats. */
static int members_page_repeats(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                                lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    struct page page = {.give_member = callback, .context = context};
    position->never_repeats = true;
    return wrapper_members_page(instance, lesson_id, most, position, give_twice, &page);
}

static void members_page_repeats_table(lesson_store_backend *table) {
    table->members_page = members_page_repeats;
}

/* ---- A list that continues by the number of entries given, whatever was added or removed meanwhile */

struct part {
    lesson_store_user_callback give;
    void *context;
    uint64_t skipped;
    uint64_t given;
    uint64_t most;
    uint64_t to_skip;
};

static bool give_part(const lesson_store_user *user, void *context) {
    struct part *part = context;
    if (part->skipped < part->to_skip) {
        part->skipped++;
        return true;
    }
    return part->given++ < part->most && part->give(user, part->context);
}

static int users_page_by_offset(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                                lesson_store_user_callback callback, void *context) {
    struct part part = {.give = callback, .context = context, .most = most, .to_skip = position->words[0]};
    int code = wrapper_users(instance, give_part, &part);
    position->ended = part.given <= most;
    position->words[0] += most;
    return code;
}

static void users_page_by_offset_table(lesson_store_backend *table) {
    table->users_page = users_page_by_offset;
}

/* ---- The list */

const wrong_backend wrong_pages[] = {
    {"users-page-loses-one", "PAGE-1", "PAGE-2 PAGE-3", users_page_loses_one_table, NULL},
    {"users-page-loses-times", "PAGE-1 OWNER-9", "", users_page_loses_times_table, NULL},
    {"members-page-repeats", "PAGE-1", "PAGE-2 PAGE-3", members_page_repeats_table, NULL},
    {"users-page-by-offset", "PAGE-3", "", users_page_by_offset_table, NULL},
    {.name = NULL},
};
