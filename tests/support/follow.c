#include "follow.h"

#include "cmocka_all.h"

lesson_store_feed *follow(lesson_store *store, const char *lesson_id, const char *position) {
    lesson_store_feed *feed;
    if (lesson_store_feed_open(&feed, store, lesson_id, position))
        fail_msg("%s", lesson_store_message());
    return feed;
}
