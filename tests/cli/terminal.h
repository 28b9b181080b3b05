/* Runs lessonctl on a pseudo-terminal. The tests wait for its output, never for time to pass. */
#ifndef TESTS_CLI_TERMINAL_H
#define TESTS_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct terminal {
    pid_t pid;
    int descriptor;
    size_t size;
    size_t seen; /* the output was awaited up to here */
    char output[1 << 20];
};

extern struct terminal terminal;
extern const char *const shell[]; /* the arguments of a shell on memory: */

/* Makes a directory for the tests. Returns the exit status if there can be none: 77 without pseudo-terminals. */
int terminal_begin(void);

/* Removes the directory. Returns the exit status. */
int terminal_end(int failures);
int tear_down(void **state);

/* The path of a file in the directory, until the next call. */
const char *in_directory(const char *name);
void write_file(const char *path, const char *text);

/* Forks onto a terminal with 120 columns. True in the child. */
bool terminal_is_child(void);

/* Starts lessonctl. `arguments` is ended by NULL. */
void start(const char *const arguments[]);

/* Waits until the output after the previous match contains the text. */
void wait_for(const char *text);
void wait_for_prompt(void);
void type(const char *text);

/* Waits until lessonctl has ended. Returns the status of waitpid, or the exit status. */
int wait_for_wait_status(void);
int wait_for_end(void);

#endif
