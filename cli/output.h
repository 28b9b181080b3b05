/*
 * Data for stdout or an export: rows of named fields.
 *
 * As JSON, a row is one object on a line. As text, it is the fields with tabs between them, and "-" for an absent
 * field. On a terminal, rows of two or more columns are aligned below the column names, and those of lists sorted; what
 * the terminal could take for a command is replaced in text and escaped in JSON.
 */
#ifndef LESSONCTL_OUTPUT_H
#define LESSONCTL_OUTPUT_H

#include <stdio.h>

#include <lessonstore/lessonstore.h>

#define OUTPUT_COLUMNS_MAX 8
#define OUTPUT_TABLE_ROWS 128    /* rows that are aligned together */
#define OUTPUT_SORTED_ROWS 65536 /* rows of a list that are sorted and aligned together */

enum field_kind { FIELD_ABSENT, FIELD_TEXT, FIELD_NUMBER, FIELD_TRUE, FIELD_FALSE };

struct field {
    const char *name;
    enum field_kind kind;
    bool only_json; /* not printed as text */
    lesson_store_id text;
    int64_t number;
};

/* A text that is not given, or is empty, makes an absent field. */
struct field field_id(const char *name, lesson_store_id text);
struct field field_text(const char *name, const char *text);
struct field field_number(const char *name, uint64_t number); /* up to INT64_MAX, as JSON has it */
struct field field_signed(const char *name, int64_t number);
struct field field_bool(const char *name, bool value);
struct field field_only_json(struct field field);

/* Absent for 0, which allows any number of members. */
struct field field_capacity(uint64_t capacity);

/* Only as JSON. Absent for 0, which is not known. */
struct field field_joined_ms(int64_t joined_ms);

/* {"code":"OK"...}: the code of a single call. */
struct field field_code(int code);

struct output {
    FILE *stream;
    bool json;
    bool terminal; /* so nothing that is printed may act as a command to it */
    bool sorts;    /* rows come in no order of their own, and a person is to find one */
    bool headed;
    bool has_heading; /* the first of the rows that are held back */
    bool failed;
    int error; /* errno of the first failure */
    size_t row_count;
    size_t row_room;
    size_t column_count;
    int widths[OUTPUT_COLUMNS_MAX];
    char *(*cells)[OUTPUT_COLUMNS_MAX]; /* of row_room rows. A heading is a row */
};

void output_begin(struct output *output, FILE *stream, bool json);

/* On a terminal, the rows are sorted by their columns. Elsewhere a list is as long as it likes, and sort(1) is at hand.
 */
void output_sort(struct output *output);

/* On a terminal, what follows is a screen of its own, with its own heading. Elsewhere it does nothing. */
void output_begin_screen(struct output *output);

/* False if writing has failed, so that the caller can stop a list. */
bool output_row(struct output *output, const struct field *fields, size_t count);

/* Facts about one thing: as JSON one object, as text one row of name and value for each fact. */
bool output_facts(struct output *output, const struct field *facts, size_t count);

/* A text of a form of its own, as it is. Without rows before or behind it. */
bool output_text(struct output *output, const char *text, size_t size);

/* Writes the rows that are still held back. False if anything could not be written; `error` holds the reason. A command
 * that goes on may call it too, and write further rows. */
bool output_end(struct output *output);

#endif
