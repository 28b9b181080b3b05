#ifndef YESTERDAY_BACKEND_H
#define YESTERDAY_BACKEND_H

#include <lessonstore/backend.h>

extern const lesson_store_backend old_backend;

#endif
