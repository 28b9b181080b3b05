/* The commands of a client, by their names and the number of their words. */
#include "classroom.h"

enum { WORDS_MAX = 4 };

static void enter(struct client *client, char *words[], size_t count) {
    entry_run(client, words, count);
}

static void leave(struct client *client, char *words[], size_t count) {
    (void)words, (void)count;
    entry_leave(client);
}

static void watch(struct client *client, char *words[], size_t count) {
    (void)count;
    watch_begin(client, words[0]);
}

static void who(struct client *client, char *words[], size_t count) {
    (void)count;
    entry_find(client, words[0]);
}

static const struct command {
    const char *name;
    size_t least;
    size_t most;
    void (*run)(struct client *client, char *words[], size_t count);
    const char *usage;
} commands[] = {
    {"enter", 3, 4, enter, "enter UID COURSE LESSON [OLD_SESSION]"},
    {"leave", 0, 0, leave, "leave"},
    {"watch", 1, 1, watch, "watch LESSON"},
    {"who", 1, 1, who, "who UID"},
};

/* Returns how many words there are, also if they are more than `words` has room for. */
static size_t split(char *line, char *words[]) {
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count < WORDS_MAX)
            words[count] = word;
        count++;
    }
    return count;
}

void command_run(struct client *client, char *line) {
    char *words[WORDS_MAX] = {NULL};
    char *rest = line + strcspn(line, " ");
    if (*rest)
        *rest++ = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(line, commands[i].name) != 0)
            continue;
        size_t count = split(rest, words);
        if (count < commands[i].least || count > commands[i].most) {
            client_say(client, "failed usage: %s", commands[i].usage);
            return;
        }
        commands[i].run(client, words, count);
        return;
    }
    client_say(client, "failed no such command");
}
