/* The shell's prompt on a terminal: line editing, history, completion. */
#ifndef LESSONCTL_PROMPT_H
#define LESSONCTL_PROMPT_H

#include "lessonctl.h"

void prompt_begin(const struct call *shell);

/* Returns a line, which the caller frees, or NULL at the end of the input. Ctrl-C drops the line and begins a new one.
 */
char *prompt_line(void);

/* Saves the history in a file of the user's state directory. */
void prompt_end(const struct call *shell);

#endif
