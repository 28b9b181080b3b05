/* The shell's prompt on a terminal: line editing, history, completion. */
#ifndef LESSONCTL_PROMPT_H
#define LESSONCTL_PROMPT_H

#include "lessonctl.h"

void prompt_begin(const struct program *program);

/* Returns a line, which the caller frees, or NULL at the end of the input. */
char *prompt_line(void);

/* Saves the history in a file of the user's state directory. */
void prompt_end(const struct program *program);

#endif
