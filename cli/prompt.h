/* The shell's prompt on a terminal: line editing, history, completion. */
#ifndef LESSONCTL_PROMPT_H
#define LESSONCTL_PROMPT_H

#include "lessonctl.h"

void prompt_begin(const struct program *program);

/* A line to be freed, or NULL at the end of the input. */
char *prompt_line(void);

/* Keeps the history in a file of the user's state folder. */
void prompt_end(const struct program *program);

#endif
