/* A command line that is being typed in a shell, and how a word of it goes on. */
#ifndef LESSONCTL_TYPED_H
#define LESSONCTL_TYPED_H

#include "words.h"

#define TYPED_SIZE 16384

struct typed {
    struct words words;    /* the last one is the word at the cursor; it may be empty */
    bool in_shell_syntax;  /* a continuation is quoted like what was typed */
    char quote;            /* the one that is open at the cursor, or 0 */
    size_t kept;           /* bytes of the last word that stay as they are: the shell replaces what follows them */
    char text[TYPED_SIZE]; /* of the words */
    char line[TYPED_SIZE];
};

/* Reads the words that stand on the lines of a stream. False if they are too long, too many or none. */
bool typed_read_words(struct typed *typed, FILE *stream);

/* Reads a line as it was typed up to the cursor. A shell replaces only what follows the last of the characters `breaks`
 * that is not quoted, or an open quote. */
bool typed_read_line(struct typed *typed, FILE *stream, const char *breaks);

/* Makes the text that replaces the one at the cursor if the last word becomes `word`, which begins as that does. NULL
 * without memory. */
char *typed_continue(const struct typed *typed, const char *word);

#endif
