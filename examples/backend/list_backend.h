/*
 * list: a store made of two linked lists. It is correct, short and slow: an example to read.
 *
 * It keeps no sessions and has no check. It declares neither, so core returns UNSUPPORTED for both.
 */
#ifndef LIST_BACKEND_H
#define LIST_BACKEND_H

#include <lessonstore/backend.h>

/* Scheme "list". Option: most_users=N. When there are N users, a join of a new user is FULL. */
extern const lesson_store_backend list_backend;

#endif
