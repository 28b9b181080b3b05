#include "typed.h"

#include <stdlib.h>

/* Reads the whole stream. False if it is too long, or holds a NUL. */
static bool read_text(struct typed *typed, FILE *stream) {
    size_t size = fread(typed->text, 1, sizeof typed->text, stream);
    if (size == sizeof typed->text)
        return false;
    typed->text[size] = '\0';
    return strlen(typed->text) == size;
}

static bool add_word(struct typed *typed, const char *word) {
    if (typed->words.count == WORDS_MAX)
        return false;
    typed->words.text[typed->words.count++] = word;
    return true;
}

bool typed_read_words(struct typed *typed, FILE *stream) {
    if (!read_text(typed, stream))
        return false;
    for (char *line = typed->text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (!add_word(typed, line))
            return false;
    }
    return typed->words.count > 0;
}

/* ---- A line of a shell */

struct reading {
    const char *in;
    char *out;
    char quote;     /* the one that is open, or 0 */
    bool is_quoted; /* the byte that was read last */
};

/* In double quotes, \ quotes only these. */
static bool is_quoted_in_double(char byte) {
    return byte && strchr("\"\\$`", byte);
}

/* Reads a quote, or what stands for one byte. Returns true if a byte was written. */
static bool read_byte(struct reading *reading) {
    char byte = *reading->in++;
    reading->is_quoted = reading->quote != 0;
    if (byte == reading->quote) {
        reading->quote = 0;
        return false;
    }
    if (!reading->quote && (byte == '\'' || byte == '"')) {
        reading->quote = byte;
        return false;
    }
    if (byte == '\\' && (!reading->quote || (reading->quote == '"' && is_quoted_in_double(*reading->in)))) {
        reading->is_quoted = true;
        if (!*reading->in)
            return false;
        byte = *reading->in++;
    }
    *reading->out++ = byte;
    return true;
}

static bool read_word(struct typed *typed, struct reading *reading, const char *breaks) {
    const char *word = reading->out;
    size_t behind_break = 0, behind_quote = 0;
    while (*reading->in && (reading->quote || !strchr(" \t", *reading->in))) {
        char quote = reading->quote;
        bool wrote = read_byte(reading);
        if (!quote && reading->quote)
            behind_quote = (size_t)(reading->out - word);
        /* bash replaces an @ together with what follows it. */
        if (wrote && !reading->is_quoted && strchr(breaks, reading->out[-1]))
            behind_break = (size_t)(reading->out - word) - (reading->out[-1] == '@');
    }
    *reading->out++ = '\0';
    typed->quote = reading->quote;
    typed->kept = typed->quote ? behind_quote : behind_break;
    return add_word(typed, word);
}

bool typed_read_line(struct typed *typed, FILE *stream, const char *breaks) {
    if (!read_text(typed, stream))
        return false;
    memcpy(typed->line, typed->text, strlen(typed->text) + 1);
    typed->line[strcspn(typed->line, "\n")] = '\0';
    typed->in_shell_syntax = true;
    struct reading reading = {.in = typed->line, .out = typed->text};
    bool read = true, more = true;
    while (read && more) {
        size_t spaces = strspn(reading.in, " \t");
        reading.in += spaces;
        more = spaces > 0 || typed->words.count == 0;
        if (more)
            read = read_word(typed, &reading, breaks);
    }
    return read;
}

/* ---- Going on */

static bool is_plain(char byte) {
    return (unsigned char)byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || (byte && strchr("_-./+,%:@=", byte));
}

/* How a byte is written behind an open quote, or behind none. */
static const char *form_of(char quote, char byte) {
    if (quote == '\'')
        return byte == '\'' ? "'\\''" : "";
    if (quote == '"' && byte == '!')
        return "\"\\!\""; /* the history of a shell looks into double quotes */
    if (quote == '"')
        return is_quoted_in_double(byte) ? "\\" : "";
    return is_plain(byte) ? "" : "\\";
}

char *typed_continue(const struct typed *typed, const char *word) {
    if (!typed->in_shell_syntax)
        return strdup(word);
    const char *rest = word + typed->kept;
    char *text = malloc(4 * strlen(rest) + 1), *out = text;
    for (; text && *rest; rest++) {
        const char *form = form_of(typed->quote, *rest);
        size_t size = strlen(form);
        memcpy(out, form, size);
        out += size;
        /* A form of several bytes already has the byte. */
        if (size <= 1)
            *out++ = *rest;
    }
    if (text)
        *out = '\0';
    return text;
}
