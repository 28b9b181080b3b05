/* What a signal that ends the program clears away first: a progress bar on the terminal, a file that is not complete.
 */
#ifndef LESSONCTL_INTERRUPT_H
#define LESSONCTL_INTERRUPT_H

#include <stdbool.h>
#include <stddef.h>

#define CLEAR_LINE "\r\033[K" /* wipes the line of a terminal */

/* To be called once. Signals that are ignored stay ignored. */
void interrupt_begin(void);

void interrupt_wipes_bar(bool shown);

/* Makes the file of a mkostemp template, which a signal removes until interrupt_forgets_file. The path must live that
 * long. A descriptor, or -1 with errno set. */
int interrupt_make_file(char *path_template);
void interrupt_forgets_file(void);

#endif
