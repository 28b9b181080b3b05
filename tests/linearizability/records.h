/*
 * What a test can still check of a user's record if legacy writers also write and remove it. A record that is read was
 * written by some call, and was not certainly overwritten before the read began. The same holds for "in no lesson".
 */
#ifndef LESSON_STORE_TESTS_RECORDS_H
#define LESSON_STORE_TESTS_RECORDS_H

#include "history.h"

/* Returns the first call with an impossible answer about this user, or NULL. At the beginning no user is in a lesson. A
 * SILENT join or quit is the raw write or removal of a record. */
const history_call *records_find_wrong(const history *calls, int user);

#endif
