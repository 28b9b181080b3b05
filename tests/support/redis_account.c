#include "redis_account.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *page, const char *what, const char *about) {
    fprintf(stderr, "redis_account: %s: %s%s\n", page, what, about);
    exit(1);
}

/* Appends what follows the beginning. The command goes on in the next line after a backslash. */
static void read_command(const char *name, const char *beginning, char *out, size_t size) {
    char line[512];
    FILE *page = fopen(name, "r");
    bool goes_on = false;
    if (!page)
        fail(name, "cannot be read", "");
    while (fgets(line, sizeof line, page)) {
        bool begins = strncmp(line, beginning, strlen(beginning)) == 0;
        if (!goes_on && !begins)
            continue;
        char *end = strpbrk(line, "\\\n");
        goes_on = end && *end == '\\';
        if (end)
            *end = '\0';
        snprintf(out + strlen(out), size - strlen(out), "%s ", line + (begins ? strlen(beginning) : 0));
        if (!goes_on)
            break;
    }
    fclose(page);
    if (!*out)
        fail(name, "has no line that begins with ", beginning);
}

static void read_rights(redis_account *account, const char *page, const char *beginning) {
    char *text = account->text + account->size, *state = NULL;
    text[0] = '\0';
    read_command(page, beginning, text, sizeof account->text - account->size);
    account->size += strlen(text) + 1;
    for (char *right = strtok_r(text, " ", &state); right; right = strtok_r(NULL, " ", &state)) {
        if (account->count == REDIS_RIGHTS_MAX || right[0] != '+')
            fail(page, "the account has too many rights, or something else among them", "");
        account->rights[account->count++] = right;
    }
    account->rights[account->count] = NULL;
}

void redis_account_read(redis_account *account) {
    account->count = account->size = 0;
    account->keys = REDIS_ACCOUNT_KEYS;
    read_rights(account, LESSONSTORE_REDIS_PAGE, "ACL SETUSER school on >secret " REDIS_ACCOUNT_KEYS);
}

void redis_account_read_of_slots(redis_account *account) {
    redis_account_read(account);
    account->keys = REDIS_ACCOUNT_KEYS " " REDIS_ACCOUNT_HELPERS;
    read_rights(account, LESSONSTORE_CLUSTER_PAGE, "ACL SETUSER school " REDIS_ACCOUNT_HELPERS);
}

void redis_account_write(char *out, size_t size, const redis_account *account, const char *without) {
    size_t used = (size_t)snprintf(out, size, "ACL SETUSER school reset on >secret %s", account->keys);
    for (size_t i = 0; i < account->count && used < size; i++) {
        if (!without || strcmp(account->rights[i], without) != 0)
            used += (size_t)snprintf(out + used, size - used, " %s", account->rights[i]);
    }
}

void redis_account_locate(char *out, size_t size, const char *location) {
    const char *authority = strstr(location, "://") + 3;
    snprintf(out, size, "%.*sschool:secret@%s", (int)(authority - location), location, authority);
}
