#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

bool bytes_equal(lesson_store_id a, lesson_store_id b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool bytes_are(lesson_store_id bytes, const char *text) {
    return bytes_equal(bytes, lesson_store_id_of(text));
}

static int compare_bytes(lesson_store_id a, lesson_store_id b) {
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare(const void *left, const void *right) {
    const fact *a = left, *b = right;
    for (int i = 0; i < FACT_PARTS; i++) {
        int order = compare_bytes(a->parts[i], b->parts[i]);
        if (order)
            return order;
    }
    return 0;
}

void facts_add(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c, lesson_store_id d) {
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 64;
        list->items = realloc(list->items, list->room * sizeof *list->items);
        assert_non_null(list->items);
    }
    const lesson_store_id parts[FACT_PARTS] = {a, b, c, d};
    fact *added = &list->items[list->count++];
    char *out = malloc(a.size + b.size + c.size + d.size + 1);
    assert_non_null(out);
    added->gone = false;
    for (int i = 0; i < FACT_PARTS; i++) {
        if (parts[i].size)
            memcpy(out, parts[i].data, parts[i].size);
        added->parts[i] = bytes_of(out, parts[i].size);
        out += parts[i].size;
    }
}

static void release(fact *one) {
    free((void *)(uintptr_t)one->parts[0].data);
}

void facts_sort(facts *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].gone)
            release(&list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    if (kept > 0)
        qsort(list->items, kept, sizeof *list->items, compare);
}

facts facts_copy(const facts *list) {
    facts copy = {NULL, 0, 0};
    for (size_t i = 0; i < list->count; i++) {
        const lesson_store_id *parts = list->items[i].parts;
        facts_add(&copy, parts[0], parts[1], parts[2], parts[3]);
    }
    return copy;
}

void facts_free(facts *list) {
    for (size_t i = 0; i < list->count; i++)
        release(&list->items[i]);
    free(list->items);
    *list = (facts){NULL, 0, 0};
}

/* Compares a fact with parts. From the first part without data on, everything is equal. */
static int compare_front(const fact *one, const lesson_store_id wanted[3]) {
    for (int i = 0; i < 3 && wanted[i].data; i++) {
        int order = compare_bytes(one->parts[i], wanted[i]);
        if (order)
            return order;
    }
    return 0;
}

static size_t lower_bound(const facts *list, const lesson_store_id wanted[3]) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_front(&list->items[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

fact *facts_find(const facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c) {
    const lesson_store_id wanted[3] = {a, b, c};
    size_t at = lower_bound(list, wanted);
    return at < list->count && compare_front(&list->items[at], wanted) == 0 ? &list->items[at] : NULL;
}

void facts_drop(facts *list, lesson_store_id a, lesson_store_id b, lesson_store_id c) {
    const lesson_store_id wanted[3] = {a, b, c};
    for (size_t i = lower_bound(list, wanted); i < list->count && compare_front(&list->items[i], wanted) == 0; i++)
        list->items[i].gone = true;
}

/* ---- Judging */

static bool name_fact(const char *what, const fact *one, char text[FACTS_TEXT_SIZE]) {
    int used = snprintf(text, FACTS_TEXT_SIZE, "%s:", what);
    for (int i = 0; i < FACT_PARTS; i++)
        used += snprintf(text + used, FACTS_TEXT_SIZE - (size_t)used, " [%.*s]",
                         one->parts[i].size > 500 ? 500 : (int)one->parts[i].size, one->parts[i].data);
    lesson_store_make_printable(text);
    return false;
}

/* Walks both lists. A fact that only one list has is wrong if that list's text, `only_a` or `only_b`, is given. */
static bool walk(const facts *a, const char *only_a, const facts *b, const char *only_b, char text[FACTS_TEXT_SIZE]) {
    size_t i = 0, j = 0;
    while (i < a->count || j < b->count) {
        int order = i == a->count ? 1 : j == b->count ? -1 : compare(&a->items[i], &b->items[j]);
        if (order < 0 && only_a)
            return name_fact(only_a, &a->items[i], text);
        if (order > 0 && only_b)
            return name_fact(only_b, &b->items[j], text);
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

bool facts_equal(const facts *expected, const facts *found, char text[FACTS_TEXT_SIZE]) {
    return walk(expected, "missing", found, "not expected", text);
}

bool facts_hold(const facts *needed, const facts *list, char text[FACTS_TEXT_SIZE]) {
    return walk(needed, "lost", list, NULL, text);
}

static bool has(const facts *list, const fact *one) {
    return list->count && bsearch(one, list->items, list->count, sizeof *one, compare);
}

bool facts_between(const facts *from, const facts *to, const facts *now, char text[FACTS_TEXT_SIZE]) {
    for (size_t i = 0; i < from->count; i++) {
        if (has(to, &from->items[i]) && !has(now, &from->items[i]))
            return name_fact("lost on the way", &from->items[i], text);
    }
    for (size_t i = 0; i < now->count; i++) {
        if (!has(from, &now->items[i]) && !has(to, &now->items[i]))
            return name_fact("come on the way", &now->items[i], text);
    }
    return true;
}
