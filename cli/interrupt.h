/* What a signal clears before it ends the program: a progress bar on the terminal, and an incomplete file. */
#ifndef LESSONCTL_INTERRUPT_H
#define LESSONCTL_INTERRUPT_H

#include <stdbool.h>
#include <stddef.h>

#define CLEAR_LINE "\r\033[K" /* clears the line of a terminal */

/* Call it once. Ignored signals stay ignored. */
void interrupt_begin(void);

void interrupt_wipes_bar(bool shown);

/* Makes the file of a mkostemp template. A signal removes it until interrupt_forgets_file; the path must live that
 * long. Returns a descriptor, or -1 with errno set. */
int interrupt_make_file(char *path_template);
void interrupt_forgets_file(void);

#endif
