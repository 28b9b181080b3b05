/* Opens a feed. The test fails if it cannot. */
#ifndef LESSON_STORE_TESTS_FOLLOW_H
#define LESSON_STORE_TESTS_FOLLOW_H

#include <lessonstore/feed.h>

lesson_store_feed *follow(lesson_store *store, const char *lesson_id, const char *position);

#endif
