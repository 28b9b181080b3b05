/*
 * Prints the content that the docs' tables must have, one line each:
 *
 *   code NAME VALUE
 *   option SCHEMES NAME DEFAULT RANGE-OR-CHOICES
 */
#include <inttypes.h>
#include <stdio.h>

#include <lessonstore/backend.h>

static void list_options(const char *schemes, const lesson_store_option *option) {
    for (; option && option->name; option++) {
        printf("option\t%s\t%s\t", schemes, option->name);
        if (option->maximum > option->minimum)
            printf("%" PRId64 "\t%" PRId64 " to %" PRId64 "\n", option->number_default, option->minimum,
                   option->maximum);
        else
            printf("%s\t%s\n", option->text_default ? option->text_default : "-",
                   option->choices ? option->choices : "text");
    }
}

int main(void) {
#define PRINT(name, value, text) printf("code\t%s\t%d\n", #name, value);
    LESSON_STORE_CODE_MAP(PRINT)
#undef PRINT
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)); i++)
        list_options(backend->schemes, backend->options);
    return 0;
}
