/* The protocol of the servers in this directory. A request is a line, and so is its answer.
 *
 *   join UID COURSE LESSON   ->  ok
 *   quit UID                 ->  ok, or: not found
 *   where UID                ->  LESSON COURSE, or: not found */
#ifndef EXAMPLES_REQUESTS_H
#define EXAMPLES_REQUESTS_H

#include <lessonstore/lessonstore.h>

#define REQUEST_ANSWER_SIZE (LESSON_STORE_MESSAGE_SIZE + 16)

/* Makes an operation from a line. Cuts the line into words, so the ids point into it. An operation that returns a place
 * writes it to `*place`. False if the line is no request. */
bool request_parse(char *line, lesson_store_operation *operation, lesson_store_place *place);

/* Writes the answer, with the newline. If the operation failed, lesson_store_message() must be its message. */
void request_answer(const lesson_store_operation *operation, char answer[REQUEST_ANSWER_SIZE]);

#endif
