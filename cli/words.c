#include "words.h"

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Copies the text between two quotes. Returns what follows, or NULL if the closing quote is missing. */
static char *copy_quoted(char **out, char *in) {
    char quote = *in++;
    for (; *in && *in != quote; in++) {
        if (quote == '"' && *in == '\\' && (in[1] == '"' || in[1] == '\\'))
            in++;
        *(*out)++ = *in;
    }
    return *in ? in + 1 : NULL;
}

/* Copies a word over its own beginning. Returns what follows, or NULL if a quote is not closed or nothing follows a \.
 */
static char *copy_word(char **out, char *in) {
    while (in && *in && !is_space(*in)) {
        if (*in == '\'' || *in == '"') {
            in = copy_quoted(out, in);
            continue;
        }
        if (*in == '\\' && *++in == '\0')
            return NULL;
        *(*out)++ = *in++;
    }
    return in;
}

bool words_split(struct words *words, char *line, struct fault *fault) {
    words->count = 0;
    for (char *in = line + strspn(line, " \t\r"); *in;) {
        if (words->count == WORDS_MAX)
            return fault_set(fault, "more than %d words", WORDS_MAX);
        char *out = in;
        words->text[words->count++] = out;
        in = copy_word(&out, in);
        if (!in)
            return fault_set(fault, "a quote has no end, or nothing follows a \\");
        /* The word's terminator may overwrite the byte that is read next. */
        bool last = *in == '\0';
        *out = '\0';
        in = last ? in : in + 1 + strspn(in + 1, " \t\r");
    }
    words->text[words->count] = NULL;
    return true;
}
