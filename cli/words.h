/* The words of a shell line. */
#ifndef LESSONCTL_WORDS_H
#define LESSONCTL_WORDS_H

#include "input.h"

#define WORDS_MAX 64

struct words {
    int count;
    const char *text[WORDS_MAX + 1]; /* ended by NULL */
};

/* Cuts a line into words in place, quoted as in sh: 'as it is', "as it is but \" and \\", and \ before any byte. The
 * line must outlive the words. popt has such a function too, but it drops '' and accepts an unclosed quote. */
bool words_split(struct words *words, char *line, struct fault *fault);

#endif
