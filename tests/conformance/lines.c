#include "suite.h"

static void *grown(void *items, size_t bytes) {
    void *larger = realloc(items, bytes);
    if (!larger) {
        fprintf(stderr, "conformance: no memory for %zu bytes\n", bytes);
        abort();
    }
    return larger;
}

static void add_item(lines *list, char *item) {
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = grown(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = item;
}

void lines_add(lines *list, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *item = grown(NULL, (size_t)size + 1);
    va_start(arguments, format);
    vsnprintf(item, (size_t)size + 1, format, arguments);
    va_end(arguments);
    add_item(list, item);
}

void lines_add_once(lines *list, const char *text) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], text) == 0)
            return;
    }
    lines_add(list, "%s", text);
}

static int compare_items(const void *left, const void *right) {
    char *const *left_item = left;
    char *const *right_item = right;
    return strcmp(*left_item, *right_item);
}

void lines_sort(lines *list) {
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_items);
}

void lines_clear(lines *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    list->count = 0;
}

void lines_free(lines *list) {
    lines_clear(list);
    free(list->items);
    *list = (lines){NULL, 0, 0};
}

#define DIFFERENCES_SHOWN 20

bool lines_compare(lines *expected, lines *found) {
    lines_sort(expected);
    lines_sort(found);
    size_t differences = 0;
    for (size_t e = 0, f = 0; e < expected->count || f < found->count;) {
        int order = e == expected->count ? 1 : f == found->count ? -1 : strcmp(expected->items[e], found->items[f]);
        if (order != 0 && ++differences <= DIFFERENCES_SHOWN)
            fprintf(stderr, "  %s: %s\n", order < 0 ? "expected" : "found   ",
                    order < 0 ? expected->items[e] : found->items[f]);
        e += order <= 0;
        f += order >= 0;
    }
    if (differences > DIFFERENCES_SHOWN)
        fprintf(stderr, "  and %zu more\n", differences - DIFFERENCES_SHOWN);
    return differences == 0;
}

quoted quote(lesson_store_id id) {
    quoted out;
    size_t used = 0;
    out.text[used++] = '"';
    for (size_t i = 0; i < id.size && used < sizeof out.text - 8; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '\\' && byte != '"')
            out.text[used++] = (char)byte;
        else
            used += (size_t)snprintf(out.text + used, 5, "\\x%02x", byte);
    }
    out.text[used++] = '"';
    out.text[used] = '\0';
    return out;
}

quoted quote_text(const char *text) {
    return quote(lesson_store_id_of(text));
}
