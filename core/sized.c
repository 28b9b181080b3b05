/* The one rule for structures that begin with `size` (lessonstore.h, "Structures"), and zeroing and copying large ones.
 */
#include "core.h"

static bool is_zero(const char *bytes, size_t size) {
    size_t i = 0;
    while (i < size && bytes[i] == 0)
        i++;
    return i == size;
}

bool lesson_store_sized_read(void *to, size_t to_size, const void *from, size_t least) {
    size_t size;
    memcpy(&size, from, sizeof size);
    if (size < least || size > LESSON_STORE_SIZED_MAX)
        return false;
    size_t common = size < to_size ? size : to_size;
    if (!is_zero((const char *)from + common, size - common))
        return false;
    memset(to, 0, to_size);
    memcpy(to, from, common);
    memcpy(to, &to_size, sizeof to_size);
    return true;
}

bool lesson_store__sized_write(void *to, const void *from, size_t from_size) {
    size_t size;
    memcpy(&size, to, sizeof size);
    if (size < sizeof size || size > LESSON_STORE_SIZED_MAX)
        return false;
    lesson_store_sized_init(to, size, from, from_size);
    return true;
}

void lesson_store_sized_init(void *to, size_t size, const void *from, size_t from_size) {
    if (size < sizeof size)
        return;
    memset(to, 0, size);
    memcpy(to, from, size < from_size ? size : from_size);
    memcpy(to, &size, sizeof size);
}

void lesson_store__zero(void *memory, size_t size) {
    memset(memory, 0, size);
}

void lesson_store__copy(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
}
