/*
 * What can still be asked of a user's record where legacy writers put it and remove it, too: a record that is read has
 * been written by somebody, and was not certainly overwritten before the reading began; and the same of "nowhere".
 */
#ifndef LESSON_STORE_TESTS_RECORDS_H
#define LESSON_STORE_TESTS_RECORDS_H

#include "history.h"

/* The first call that tells something of this user that it cannot know, or NULL. Nobody was anywhere at the beginning.
 * A call that is SILENT and joins or quits is the raw write of a record or its removal. */
const history_call *records_find_wrong(const history *calls, int user);

#endif
