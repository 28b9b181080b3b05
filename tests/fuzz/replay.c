/* Replaces libFuzzer: runs every file of a corpus through the target, with any compiler. An empty corpus fails. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

#define INPUT_SIZE_MAX 65536

static bool run_file(const char *path) {
    static uint8_t bytes[INPUT_SIZE_MAX];
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        return false;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool whole = feof(file) || fgetc(file) == EOF;
    fclose(file);
    if (!whole) {
        fprintf(stderr, "%s: has more than %d bytes\n", path, INPUT_SIZE_MAX);
        return false;
    }
    char *copy = fuzz_copy(bytes, size);
    LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
    free(copy);
    return true;
}

static int is_input(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Returns the number of files run, or -1. */
static int run_directory(const char *directory) {
    struct dirent **entries;
    int count = scandir(directory, &entries, is_input, alphasort);
    if (count < 0) {
        perror(directory);
        return -1;
    }
    bool sound = true;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
        /* Printed before the run, because a find ends the process. */
        printf("%s\n", entries[i]->d_name);
        fflush(stdout);
        sound = run_file(path) && sound;
        free(entries[i]);
    }
    free(entries);
    return sound ? count : -1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return EXIT_FAILURE;
    }
    int count = run_directory(argv[1]);
    printf("%d inputs\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
