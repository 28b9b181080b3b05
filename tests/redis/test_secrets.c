/* A buffer that has held a password is overwritten before its memory is given back. The linker puts the functions below
 * between our code and the C library. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "backends/redis/request.h"
#include "cmocka_all.h"

#include <lessonstore/lessonstore.h>

void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
/* Visible, because a sanitizer's library may look for them. */
#define WRAPPED __attribute__((visibility("default")))
WRAPPED void *__wrap_realloc(void *block, size_t size);
WRAPPED void __wrap_free(void *block);

#define SECRET "s3cret of this test"
enum { LONG = 5000 };

static int given_back; /* blocks that hold the secret */

static void look_at(const void *block, size_t size) {
    given_back += block && memmem(block, size, SECRET, strlen(SECRET)) != NULL;
}

/* It may move the block, and give back the old one. */
void *__wrap_realloc(void *block, size_t size) {
    look_at(block, malloc_usable_size(block));
    return __real_realloc(block, size);
}

void __wrap_free(void *block) {
    look_at(block, malloc_usable_size(block));
    __real_free(block);
}

static void add_long(redis_request *request) {
    char text[LONG];
    memset(text, 'x', sizeof text);
    redis_request_add(request, text, sizeof text);
}

static void add_secret(redis_request *request) {
    given_back = 0;
    redis_request_begin(request);
    redis_request_add_text(request, "AUTH");
    redis_request_add_text(request, SECRET);
}

/* As the greeting does. */
static void end(redis_request *request) {
    explicit_bzero(request->bytes, request->capacity);
    redis_request_free(request);
    assert_int_equal(given_back, 0);
}

static void test_a_request_that_grows(void **state) {
    (void)state;
    redis_request request = {0};
    add_secret(&request);
    add_long(&request);
    redis_bytes bytes = redis_request_finish(&request);
    assert_non_null(memmem(bytes.data, bytes.size, SECRET, strlen(SECRET)));
    end(&request);
}

/* The buffer still holds the bytes of the request before. */
static void test_the_next_request_grows(void **state) {
    (void)state;
    redis_request request = {0};
    add_secret(&request);
    redis_request_begin(&request);
    add_long(&request);
    redis_bytes bytes = redis_request_finish(&request);
    assert_true(bytes.size > LONG);
    end(&request);
}

/* No server is there. The prefix has a copy of the location. */
static void test_locations(void **state) {
    (void)state;
    lesson_store *store;
    given_back = 0;
    assert_int_equal(lesson_store_open(&store, "redis+unix://ann:s3cret%20of%20this%20test@/nowhere"),
                     LESSON_STORE_UNREACHABLE);
    assert_int_equal(lesson_store_open(&store, "fault+redis+unix://ann:s3cret%20of%20this%20test@/nowhere"),
                     LESSON_STORE_UNREACHABLE);
    assert_int_equal(given_back, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_that_grows),
        cmocka_unit_test(test_the_next_request_grows),
        cmocka_unit_test(test_locations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
