#include "redis_account.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING "ACL SETUSER school on >secret ~STATUS:*"

static void fail(const char *what) {
    fprintf(stderr, "redis_account: %s: %s\n", LESSONSTORE_REDIS_PAGE, what);
    exit(1);
}

/* The command goes on in the next line after a backslash. */
static void read_command(char *out, size_t size) {
    char line[512];
    FILE *page = fopen(LESSONSTORE_REDIS_PAGE, "r");
    bool goes_on = false;
    out[0] = '\0';
    if (!page)
        fail("cannot be read");
    while (fgets(line, sizeof line, page)) {
        if (!goes_on && strncmp(line, BEGINNING, strlen(BEGINNING)) != 0)
            continue;
        char *end = strpbrk(line, "\\\n");
        goes_on = end && *end == '\\';
        if (end)
            *end = '\0';
        snprintf(out + strlen(out), size - strlen(out), "%s ", line);
        if (!goes_on)
            break;
    }
    fclose(page);
}

void redis_account_read(redis_account *account) {
    account->count = 0;
    read_command(account->text, sizeof account->text);
    if (strlen(account->text) < strlen(BEGINNING))
        fail("has no line that begins with " BEGINNING);
    char *rest = account->text + strlen(BEGINNING), *state = NULL;
    for (char *right = strtok_r(rest, " ", &state); right; right = strtok_r(NULL, " ", &state)) {
        if (account->count == REDIS_RIGHTS_MAX || right[0] != '+')
            fail("the account has too many rights, or something else among them");
        account->rights[account->count++] = right;
    }
    account->rights[account->count] = NULL;
}

void redis_account_write(char *out, size_t size, const redis_account *account, const char *without) {
    size_t used = (size_t)snprintf(out, size, "ACL SETUSER school reset on >secret ~STATUS:*");
    for (size_t i = 0; i < account->count && used < size; i++) {
        if (!without || strcmp(account->rights[i], without) != 0)
            used += (size_t)snprintf(out + used, size - used, " %s", account->rights[i]);
    }
}

void redis_account_locate(char *out, size_t size, const char *location) {
    const char *authority = strstr(location, "://") + 3;
    snprintf(out, size, "%.*sschool:secret@%s", (int)(authority - location), location, authority);
}
