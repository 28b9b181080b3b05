/* An application that registers a backend of its own and then opens it by location, like any other. */
#include <stdio.h>

#include "list_backend.h"

static int join(lesson_store *store, const char *uid) {
    int code = lesson_store_join(store, uid, "maths", "algebra", NULL, 0, NULL);
    printf("join %s: %s%s%s\n", uid, lesson_store_code_text(code), code < 0 ? ": " : "",
           code < 0 ? lesson_store_message() : "");
    return code;
}

int main(void) {
    lesson_store *store = NULL;
    int code = lesson_store_register(&list_backend);
    if (!code)
        code = lesson_store_open(&store, "list:?most_users=2");
    if (code) {
        fprintf(stderr, "%s\n", lesson_store_message());
        return 1;
    }
    bool as_expected = join(store, "ann") == LESSON_STORE_OK && join(store, "bob") == LESSON_STORE_OK &&
                       join(store, "cid") == LESSON_STORE_FULL;
    uint64_t count = 0;
    as_expected = as_expected && lesson_store_count_members(store, "algebra", &count) == LESSON_STORE_OK && count == 2;
    printf("algebra has %llu members\n", (unsigned long long)count);
    lesson_store_close(store);
    return as_expected ? 0 : 1;
}
