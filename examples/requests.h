/* The little language of the servers in this folder: a request is a line, and so is its answer.
 *
 *   join UID COURSE LESSON   ->  ok
 *   quit UID                 ->  ok, or: not found
 *   where UID                ->  LESSON COURSE, or: not found
 */
#ifndef EXAMPLES_REQUESTS_H
#define EXAMPLES_REQUESTS_H

#include <lessonstore/lessonstore.h>

#define REQUEST_ANSWER_SIZE (LESSON_STORE_MESSAGE_SIZE + 16)

/* Makes an operation of a line, whose words it cuts apart; the ids lie in the line, and an answer that tells a place
 * asks for `*place`. False if it is no request. */
bool request_parse(char *line, lesson_store_operation *operation, lesson_store_place *place);

/* Puts the answer into words, with the newline. lesson_store_message() must speak of the operation if it failed. */
void request_answer(const lesson_store_operation *operation, char answer[REQUEST_ANSWER_SIZE]);

#endif
