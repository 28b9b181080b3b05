#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include <jansson.h>

#include "output.h"

#define COLUMN_GAP 2

/* ---- Fields */

struct field field_id(const char *name, lesson_store_id text) {
    return (struct field){.name = name, .kind = text.size > 0 ? FIELD_TEXT : FIELD_ABSENT, .text = text};
}

struct field field_text(const char *name, const char *text) {
    return field_id(name, lesson_store_id_of(text));
}

struct field field_signed(const char *name, int64_t number) {
    return (struct field){.name = name, .kind = FIELD_NUMBER, .number = number};
}

struct field field_number(const char *name, uint64_t number) {
    return field_signed(name, (int64_t)number);
}

struct field field_bool(const char *name, bool value) {
    return (struct field){.name = name, .kind = value ? FIELD_TRUE : FIELD_FALSE};
}

struct field field_only_json(struct field field) {
    field.only_json = true;
    return field;
}

struct field field_capacity(uint64_t capacity) {
    struct field field = field_number("capacity", capacity);
    field.kind = capacity > 0 ? FIELD_NUMBER : FIELD_ABSENT;
    return field;
}

struct field field_joined_ms(int64_t joined_ms) {
    struct field field = field_signed("joined_ms", joined_ms);
    if (joined_ms == 0)
        field.kind = FIELD_ABSENT;
    return field_only_json(field);
}

struct field field_code(int code) {
    return field_only_json(field_text("code", lesson_store_code_name(code)));
}

/* ---- Failures */

static bool failed(struct output *output, int error) {
    if (!output->failed)
        output->error = error;
    output->failed = true;
    return false;
}

static bool check_stream(struct output *output) {
    return !output->failed && (!ferror(output->stream) || failed(output, errno));
}

/* ---- JSON */

/* A damaged store may hold bytes that are not text. They must neither break a line nor the JSON. */
static char *text_copy(lesson_store_id text, bool printable) {
    char *copy = malloc(text.size + 1);
    if (!copy)
        return NULL;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        copy[i] = byte < 0x20 || byte == 0x7f ? '?' : text.data[i];
    }
    copy[text.size] = '\0';
    if (printable)
        lesson_store_make_printable(copy);
    return copy;
}

static json_t *json_of_text(lesson_store_id text) {
    json_t *value = json_stringn(text.data, text.size);
    if (value)
        return value;
    char *copy = text_copy(text, true);
    value = copy ? json_string(copy) : NULL;
    free(copy);
    return value;
}

static json_t *json_of(const struct field *field) {
    switch (field->kind) {
    case FIELD_TEXT:
        return json_of_text(field->text);
    case FIELD_NUMBER:
        return json_integer(field->number);
    case FIELD_TRUE:
    case FIELD_FALSE:
        return json_boolean(field->kind == FIELD_TRUE);
    case FIELD_ABSENT:
        break;
    }
    return NULL;
}

static void write_escape(FILE *stream, const char *sequence, size_t size) {
    static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    unsigned character = (unsigned char)sequence[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++)
        character = character << 6 | ((unsigned char)sequence[i] & 0x3f);
    if (character > 0xffff)
        fprintf(stream, "\\u%04x\\u%04x", 0xd7c0 + (character >> 10), 0xdc00 + (character & 0x3ff));
    else
        fprintf(stream, "\\u%04x", character);
}

static size_t sequence_size(const char *text) {
    unsigned char lead = (unsigned char)*text;
    if (lead < 0xc0)
        return 1;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Writes JSON, which is valid UTF-8, to a terminal. A character that text would replace is escaped, so that the
 * terminal does not obey it and the meaning stays. */
static void write_harmless(FILE *stream, const char *json) {
    for (size_t size; *json; json += size) {
        char printable[5] = "";
        size = sequence_size(json);
        memcpy(printable, json, size);
        lesson_store_make_printable(printable);
        if (memcmp(printable, json, size) == 0)
            fputs(printable, stream);
        else
            write_escape(stream, json, size);
    }
}

static bool write_object(struct output *output, const json_t *object) {
    if (!output->terminal)
        return json_dumpf(object, output->stream, JSON_COMPACT) == 0;
    char *text = json_dumps(object, JSON_COMPACT);
    if (!text)
        return false;
    write_harmless(output->stream, text);
    free(text);
    return !ferror(output->stream);
}

static bool write_json(struct output *output, const struct field *fields, size_t count) {
    json_t *object = json_object();
    bool made = object != NULL;
    for (size_t i = 0; made && i < count; i++) {
        if (fields[i].kind != FIELD_ABSENT)
            made = json_object_set_new(object, fields[i].name, json_of(&fields[i])) == 0;
    }
    if (!made)
        failed(output, ENOMEM);
    else if (!write_object(output, object) || putc('\n', output->stream) == EOF)
        failed(output, errno);
    json_decref(object);
    return !output->failed;
}

/* ---- Text */

/* On a terminal an id must not act as a command, so it is made printable. Elsewhere it is printed unchanged. */
static char *text_of(const struct output *output, const struct field *field) {
    char number[24];
    switch (field->kind) {
    case FIELD_TEXT:
        return text_copy(field->text, output->terminal);
    case FIELD_NUMBER:
        snprintf(number, sizeof number, "%" PRId64, field->number);
        return strdup(number);
    case FIELD_TRUE:
    case FIELD_FALSE:
        return strdup(field->kind == FIELD_TRUE ? "yes" : "no");
    case FIELD_ABSENT:
        break;
    }
    return strdup("-");
}

/* The columns of a text on a terminal. CJK characters and emoji take two each. */
static int display_width(const char *text) {
    int width = 0;
    mbstate_t state = {0};
    for (size_t left = strlen(text), size; left > 0; text += size, left -= size) {
        wchar_t character;
        size = mbrtowc(&character, text, left, &state);
        if (size == 0 || size > left) {
            memset(&state, 0, sizeof state);
            size = 1;
            width++;
            continue;
        }
        int columns = wcwidth(character);
        width += columns > 0 ? columns : 0;
    }
    return width;
}

static void write_aligned(struct output *output, char *const cells[]) {
    for (size_t column = 0; column < output->column_count; column++) {
        bool last = column + 1 == output->column_count;
        int padding = last ? 0 : output->widths[column] - display_width(cells[column]) + COLUMN_GAP;
        fprintf(output->stream, "%s%*s", cells[column], padding, "");
    }
    putc('\n', output->stream);
}

static int compare_rows(const void *one, const void *other) {
    char *const *a = one, *const *b = other;
    int order = 0;
    for (size_t column = 0; order == 0 && column < OUTPUT_COLUMNS_MAX && a[column] && b[column]; column++)
        order = strcmp(a[column], b[column]);
    return order;
}

static void sort_table(struct output *output) {
    size_t headings = output->has_heading ? 1 : 0;
    if (output->sorts && output->row_count > headings)
        qsort(output->cells + headings, output->row_count - headings, sizeof *output->cells, compare_rows);
}

static void write_table(struct output *output) {
    sort_table(output);
    for (size_t row = 0; row < output->row_count; row++) {
        write_aligned(output, output->cells[row]);
        for (size_t column = 0; column < output->column_count; column++)
            free(output->cells[row][column]);
    }
    output->row_count = 0;
    output->has_heading = false;
    check_stream(output);
}

static bool make_room(struct output *output) {
    if (output->row_count < output->row_room)
        return true;
    size_t room = output->row_room ? 2 * output->row_room : OUTPUT_TABLE_ROWS;
    void *cells = realloc(output->cells, room * sizeof *output->cells);
    if (!cells)
        return failed(output, ENOMEM);
    output->cells = cells;
    output->row_room = room;
    return true;
}

static void add_cell(struct output *output, char *cell) {
    int width = display_width(cell);
    if (width > output->widths[output->column_count])
        output->widths[output->column_count] = width;
    output->cells[output->row_count][output->column_count++] = cell;
}

static bool add_to_table(struct output *output, const struct field *fields, size_t count, bool names) {
    output->column_count = 0;
    if (!make_room(output))
        return false;
    memset(output->cells[output->row_count], 0, sizeof *output->cells);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].only_json)
            continue;
        char *cell = names ? strdup(fields[i].name) : text_of(output, &fields[i]);
        if (!cell) {
            while (output->column_count > 0)
                free(output->cells[output->row_count][--output->column_count]);
            return failed(output, ENOMEM);
        }
        add_cell(output, cell);
    }
    output->row_count++;
    return true;
}

static bool add_heading(struct output *output, const struct field *fields, size_t count) {
    output->headed = true;
    output->has_heading = true;
    return add_to_table(output, fields, count, true);
}

static bool write_to_table(struct output *output, const struct field *fields, size_t count, size_t columns) {
    if (!output->headed && columns > 1 && !add_heading(output, fields, count))
        return false;
    if (!add_to_table(output, fields, count, false))
        return false;
    if (output->row_count >= (output->sorts ? OUTPUT_SORTED_ROWS : OUTPUT_TABLE_ROWS))
        write_table(output);
    return !output->failed;
}

static bool write_text(struct output *output, const struct field *fields, size_t count) {
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        if (fields[i].only_json)
            continue;
        char *text = text_of(output, &fields[i]);
        if (!text)
            return failed(output, ENOMEM);
        fprintf(output->stream, "%s%s", before, text);
        free(text);
        before = "\t";
    }
    putc('\n', output->stream);
    return check_stream(output);
}

/* ---- Rows */

void output_begin(struct output *output, FILE *stream, bool json) {
    *output = (struct output){.stream = stream, .json = json, .terminal = isatty(fileno(stream))};
}

void output_sort(struct output *output) {
    output->sorts = output->terminal;
}

void output_begin_screen(struct output *output) {
    if (!output->terminal || output->json)
        return;
    fputs("\033[H\033[J", output->stream);
    output->headed = false;
    memset(output->widths, 0, sizeof output->widths);
}

bool output_row(struct output *output, const struct field *fields, size_t count) {
    if (output->json)
        return write_json(output, fields, count);
    size_t columns = 0;
    for (size_t i = 0; i < count; i++)
        columns += !fields[i].only_json;
    assert(columns <= OUTPUT_COLUMNS_MAX);
    if (columns == 0)
        return true;
    if (output->terminal && (columns > 1 || output->sorts))
        return write_to_table(output, fields, count, columns);
    return write_text(output, fields, count);
}

bool output_text(struct output *output, const char *text, size_t size) {
    if (output->failed)
        return false;
    (void)fwrite(text, 1, size, output->stream); /* check_stream sees a failure */
    return check_stream(output);
}

bool output_facts(struct output *output, const struct field *facts, size_t count) {
    if (output->json)
        return write_json(output, facts, count);
    bool written = true;
    for (size_t i = 0; written && i < count; i++) {
        if (facts[i].only_json)
            continue;
        struct field row[] = {field_text("name", facts[i].name), facts[i]};
        row[1].name = "value";
        written = output_row(output, row, 2);
    }
    return written;
}

bool output_end(struct output *output) {
    write_table(output);
    free(output->cells);
    output->cells = NULL;
    output->row_room = 0;
    errno = 0;
    if (fflush(output->stream) != 0 || ferror(output->stream))
        failed(output, errno ? errno : EIO);
    clearerr(output->stream);
    return !output->failed;
}
