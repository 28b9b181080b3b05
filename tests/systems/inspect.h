/* What must hold while nobody calls the store, whatever trouble there was. */
#ifndef LESSON_STORE_TESTS_INSPECT_H
#define LESSON_STORE_TESTS_INSPECT_H

#include "stage.h"

/* A store that is opened anew has no findings, and the state that the clients' judges expect. After a trouble that
 * changes the data itself: only findings that repair corrects, and the judges begin again with what is there. */
void inspect_data(trouble_stage *stage);

/* Makes judges for an empty store, and frees them. */
void inspect_begin(trouble_stage *stage);
void inspect_end(trouble_stage *stage);

#endif
