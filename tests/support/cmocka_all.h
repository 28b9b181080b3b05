/* cmocka, and the headers that must come before it. */
#ifndef LESSON_STORE_TESTS_CMOCKA_ALL_H
#define LESSON_STORE_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
