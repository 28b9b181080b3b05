/* complete: how a command line may go on. The files in completion/ ask it on behalf of bash and zsh. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <lessonstore/backend.h>

#include "directories.h"
#include "typed.h"

#define SECONDS_MAX 2       /* for the answer of a store. A person waits for the key */
#define IDS_READ_MAX 100000 /* of a list, which may be much longer */
#define IDS_SHOWN_MAX 500
#define KIND_SIZE 16

/* The word at the cursor. */
struct place {
    struct call *call;
    const struct typed *typed;
    const struct command *command;   /* NULL: the cursor is before the end of the command's name */
    const struct poptOption *option; /* whose value is typed, or NULL */
    const char *store;               /* of --store, or NULL */
    const char *lesson_id;           /* of an argument before the cursor, or NULL */
    int argument;                    /* the number of arguments before the cursor */
    bool options_are_over;           /* by -- */
    const char *word;                /* what has to be there: the word, or what follows = in it */
    size_t before;                   /* bytes of the word before that */
};

static bool begins_with(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* ---- Printing */

static void print(struct place *place, const char *kind, const char *word, const char *text) {
    struct field row[] = {field_text("kind", kind), field_text("word", word), field_text("text", text)};
    output_row(&place->call->output, row, sizeof row / sizeof *row);
}

/* Prints a word that may stand at the cursor, if it begins as what stands there. */
static void offer(struct place *place, const char *kind, const char *word, const char *text) {
    if (!begins_with(word, place->word))
        return;
    const char *typed = place->typed->words.text[place->typed->words.count - 1];
    size_t size = place->before + strlen(word) + 1;
    char *whole = malloc(size);
    if (whole)
        snprintf(whole, size, "%.*s%s", (int)place->before, typed, word);
    char *shown = whole ? typed_continue(place->typed, whole) : NULL;
    if (shown)
        print(place, kind, shown, text);
    free(shown);
    free(whole);
}

/* ---- Ids of the store */

struct ids {
    const struct place *place;
    size_t read;
    size_t count;
    char *text[IDS_SHOWN_MAX];
};

static bool is_there(const struct ids *ids, const char *text) {
    for (size_t i = 0; i < ids->count; i++) {
        if (strcmp(ids->text[i], text) == 0)
            return true;
    }
    return false;
}

/* Keeps an id that may stand at the cursor. False: enough was read. */
static bool keep(struct ids *ids, lesson_store_id id) {
    if (++ids->read > IDS_READ_MAX)
        return false;
    size_t size = strlen(ids->place->word);
    if (id.size < size || memcmp(id.data, ids->place->word, size) != 0 || lesson_store_id_check("id", id) < 0)
        return true;
    char *text = strndup(id.data, id.size);
    if (!text || is_there(ids, text)) {
        free(text);
        return text != NULL;
    }
    ids->text[ids->count++] = text;
    return ids->count < IDS_SHOWN_MAX;
}

static bool keep_member(const lesson_store_id *uid, void *ids) {
    return keep(ids, *uid);
}

static bool keep_banned(const lesson_store_banned *banned, void *ids) {
    return keep(ids, banned->uid);
}

static bool keep_user(const lesson_store_user *user, void *ids) {
    return keep(ids, user->uid);
}

static bool keep_lesson(const lesson_store_lesson *lesson, void *ids) {
    return keep(ids, lesson->lesson_id);
}

static bool keep_course(const lesson_store_lesson *lesson, void *ids) {
    return lesson->course_id.size == 0 || keep(ids, lesson->course_id);
}

static bool keep_course_of_user(const lesson_store_user *user, void *ids) {
    return user->course_id.size == 0 || keep(ids, user->course_id);
}

static bool keep_owner(const lesson_store_owner *owner, void *ids) {
    return keep(ids, owner->owner);
}

/* Of an argument behind a lesson, only the users of that lesson can be meant. */
static void read_uids(const struct place *place, lesson_store *store, struct ids *ids) {
    if (place->lesson_id && strcmp(place->command->name, "unban") == 0)
        lesson_store_bans(store, place->lesson_id, keep_banned, ids);
    else if (place->lesson_id)
        lesson_store_members(store, place->lesson_id, keep_member, ids);
    else
        lesson_store_users(store, keep_user, ids);
}

/* A failure leaves the list short: whoever types does not want to hear of it. */
static void read_ids(const struct place *place, const char *kind, lesson_store *store, struct ids *ids) {
    if (strcmp(kind, "UID") == 0)
        read_uids(place, store, ids);
    if (strcmp(kind, "LESSON") == 0)
        lesson_store_lessons(store, keep_lesson, ids);
    if (strcmp(kind, "OWNER") == 0)
        lesson_store_owners(store, keep_owner, ids);
    if (strcmp(kind, "COURSE") == 0) {
        lesson_store_lessons(store, keep_course, ids);
        if (ids->count < IDS_SHOWN_MAX)
            lesson_store_users(store, keep_course_of_user, ids);
    }
}

static int compare_texts(const void *one, const void *other) {
    char *const *a = one, *const *b = other;
    return strcmp(*a, *b);
}

static bool is_sqlite(const char *location) {
    const char *scheme = strchr(location, '+');
    return begins_with(location, "sqlite:") || (scheme && begins_with(scheme + 1, "sqlite:"));
}

/* Nothing may come into being or change because somebody types. So a file is only read. */
static bool find_location(const struct place *place, char location[LESSON_STORE_LOCATION_MAX + 1]) {
    const char *given = place->store ? place->store : place->call->program->location;
    if (given && strlen(given) > LESSON_STORE_LOCATION_MAX)
        return false;
    if (given)
        memcpy(location, given, strlen(given) + 1);
    else if (!default_location_if_there(location))
        return false;
    const char *options = strchr(location, '?');
    if (!is_sqlite(location) || (options && strstr(options, "mode=")))
        return true;
    size_t size = strlen(location), room = LESSON_STORE_LOCATION_MAX + 1 - size;
    return (size_t)snprintf(location + size, room, "%cmode=ro", options ? '&' : '?') < room;
}

static void end_quietly(int signal) {
    (void)signal;
    _exit(EXIT_YES);
}

static void offer_ids(struct place *place, const char *kind) {
    char location[LESSON_STORE_LOCATION_MAX + 1];
    struct ids *ids = calloc(1, sizeof *ids);
    lesson_store *store = NULL;
    signal(SIGALRM, end_quietly);
    alarm(SECONDS_MAX);
    if (ids && find_location(place, location) && lesson_store_open(&store, location) == LESSON_STORE_OK) {
        ids->place = place;
        read_ids(place, kind, store, ids);
        qsort(ids->text, ids->count, sizeof *ids->text, compare_texts);
    }
    alarm(0);
    lesson_store_close(store);
    for (size_t i = 0; ids && i < ids->count; i++) {
        offer(place, "word", ids->text[i], NULL);
        free(ids->text[i]);
    }
    free(ids);
}

/* ---- What else may stand there */

static void offer_statuses(struct place *place) {
    bool is_chat = place->option && strstr(place->option->longName, "chat");
    const char *word = "";
    for (int status = 0; word; status++) {
        word = is_chat ? lesson_store_chat_status_word(status) : lesson_store_course_status_word(status);
        if (word)
            offer(place, "word", word, NULL);
    }
}

/* A scheme is only the beginning of a location. */
static void offer_schemes(struct place *place) {
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)) != NULL; i++) {
        for (const char *scheme = backend->schemes; *scheme; scheme += strspn(scheme, "|")) {
            char text[64];
            size_t size = strcspn(scheme, "|");
            bool is_prefix = size > 0 && scheme[size - 1] == '+';
            snprintf(text, sizeof text, "%.*s%s", (int)size, scheme, is_prefix ? "" : ":");
            offer(place, "part", text, NULL);
            scheme += size;
        }
    }
}

static void offer_commands(struct place *place) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        offer(place, "word", command->name, command->summary);
}

static void offer_options(struct place *place, const struct poptOption *options) {
    for (const struct poptOption *option = options; option->longName; option++) {
        char name[64], text[128];
        /* A command takes those of the program too, which its own table hides, except this one. */
        if (!option->descrip || (place->command && option->val == OPTION_VERSION))
            continue;
        snprintf(name, sizeof name, "--%s", option->longName);
        snprintf(text, sizeof text, "%.*s", (int)strcspn(option->descrip, "\n"), option->descrip);
        offer(place, "word", name, text);
    }
}

static void offer_kind(struct place *place, const char *kind) {
    if (strstr(kind, "FILE"))
        print(place, "files", NULL, NULL);
    else if (strstr(kind, "COMMAND"))
        offer_commands(place);
    else if (strcmp(kind, "STATUS") == 0)
        offer_statuses(place);
    else if (strcmp(kind, "LOCATION") == 0)
        offer_schemes(place);
    else
        offer_ids(place, kind);
}

/* ---- Where the cursor is */

/* The argument of this number in a synopsis as "UID COURSE LESSON", "" behind the last. */
static void kind_of_argument(const char *arguments, int number, char kind[KIND_SIZE]) {
    for (; number > 0 && *arguments; number--) {
        arguments += strcspn(arguments, " ");
        arguments += strspn(arguments, " ");
    }
    snprintf(kind, KIND_SIZE, "%.*s", (int)strcspn(arguments, " "), arguments);
}

static bool takes_value(const struct poptOption *option) {
    return option && (option->argInfo & POPT_ARG_MASK) != POPT_ARG_NONE;
}

static const struct poptOption *find_option(const struct place *place, const char *word) {
    const struct poptOption *option = place->command ? place->command->options : program_options;
    size_t size = strcspn(word, "=");
    for (; option->longName && begins_with(word, "--"); option++) {
        if (strlen(option->longName) + 2 == size && strncmp(option->longName, word + 2, size - 2) == 0)
            return option;
    }
    return NULL;
}

static bool is_option(const struct place *place, const char *word) {
    return word[0] == '-' && !place->options_are_over;
}

static void pass_value(struct place *place, const struct poptOption *option, const char *value) {
    if (option->val == OPTION_STORE)
        place->store = value;
    place->option = NULL;
}

static void pass_argument(struct place *place, const char *word) {
    char kind[KIND_SIZE];
    kind_of_argument(place->command->arguments, place->argument++, kind);
    if (strcmp(kind, "LESSON") == 0)
        place->lesson_id = word;
}

/* Goes over a word before the cursor. False: no command has that name. */
static bool pass(struct place *place, const char *word) {
    if (place->option) {
        pass_value(place, place->option, word);
    } else if (strcmp(word, "--") == 0) {
        place->options_are_over = true;
    } else if (is_option(place, word)) {
        const struct poptOption *option = find_option(place, word);
        const char *equal_sign = strchr(word, '=');
        if (takes_value(option) && equal_sign)
            pass_value(place, option, equal_sign + 1);
        else if (takes_value(option))
            place->option = option;
    } else if (!place->command) {
        place->command = command_find(word);
        place->options_are_over = false;
        return place->command != NULL;
    } else {
        pass_argument(place, word);
    }
    return true;
}

/* At a value, also at one behind an equal sign. */
static bool is_at_value(struct place *place) {
    const char *equal_sign = strchr(place->word, '=');
    if (place->option || !is_option(place, place->word) || !equal_sign)
        return place->option != NULL;
    place->option = find_option(place, place->word);
    place->before = (size_t)(equal_sign + 1 - place->word);
    place->word = equal_sign + 1;
    return takes_value(place->option);
}

static void offer_all(struct place *place) {
    char kind[KIND_SIZE];
    if (is_at_value(place)) {
        bool is_store = place->option->val == OPTION_STORE;
        offer_kind(place, is_store ? "LOCATION" : place->option->argDescrip);
    } else if (is_option(place, place->word)) {
        if (place->command)
            offer_options(place, place->command->options);
        offer_options(place, program_options);
    } else if (!place->command) {
        offer_commands(place);
    } else {
        kind_of_argument(place->command->arguments, place->argument, kind);
        offer_kind(place, kind);
    }
}

static void complete(struct call *call, const struct typed *typed) {
    struct place place = {.call = call, .typed = typed};
    /* A line begins with the name of the program. */
    int first = typed->in_shell_syntax ? 1 : 0, last = typed->words.count - 1;
    for (int i = first; i < last; i++) {
        if (!pass(&place, typed->words.text[i]))
            return;
    }
    place.word = typed->words.text[last];
    if (last >= first)
        offer_all(&place);
}

int command_complete(struct call *call) {
    if (call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID, "standard input has the commands of this shell");
    struct typed *typed = calloc(1, sizeof *typed);
    const char *breaks = call->options.text[OPTION_LINE];
    if (!typed)
        return complain_of(call, LESSON_STORE_NO_MEMORY, "no memory left");
    if (breaks ? typed_read_line(typed, stdin, breaks) : typed_read_words(typed, stdin))
        complete(call, typed);
    free(typed);
    return EXIT_YES;
}
