/* A library of somebody else that uses lessonstore. */
#ifndef CONSUMER_PLACE_H
#define CONSUMER_PLACE_H

#include <lessonstore/lessonstore.h>

int place_of(const char *uid, lesson_store_place *place);

#endif
