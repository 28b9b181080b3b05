/*
 * list: a store that is two linked lists. Correct, short and slow; it is here to be read.
 *
 * It keeps no sessions and offers no check, and declares neither, so core answers UNSUPPORTED to whoever asks.
 */
#ifndef LIST_BACKEND_H
#define LIST_BACKEND_H

#include <lessonstore/backend.h>

/* Scheme "list". Option: most_users=N, after which a join of a new user is answered FULL. */
extern const lesson_store_backend list_backend;

#endif
