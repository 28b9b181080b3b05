#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own.h"

static bool is_same(const struct stat *left, const struct stat *right) {
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino;
}

/* ---- What is open. It is found even if the store's file has been moved or removed. */

/* The library's descriptors close on exec. Those that lessonctl was started with do not. */
static bool is_of_library(int descriptor) {
    int flags = descriptor > STDERR_FILENO ? fcntl(descriptor, F_GETFD) : -1;
    return flags >= 0 && flags & FD_CLOEXEC;
}

/* True if a file that the library has open is this one; `file` is NULL for any regular file. */
static bool is_open(DIR *descriptors, const struct stat *file) {
    const struct dirent *entry;
    rewinddir(descriptors);
    while ((entry = readdir(descriptors)) != NULL) {
        int descriptor = (int)strtol(entry->d_name, NULL, 10);
        struct stat open;
        if (is_of_library(descriptor) && fstat(descriptor, &open) == 0 && S_ISREG(open.st_mode) &&
            (!file || is_same(file, &open)))
            return true;
    }
    return false;
}

bool own_descriptor(int descriptor) {
    struct stat file;
    if (fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode))
        return false;
    DIR *descriptors = opendir("/proc/self/fd");
    bool found = descriptors && is_open(descriptors, &file);
    if (descriptors)
        closedir(descriptors);
    return found;
}

/* ---- What is named after the store's file */

/* The store's file, its log, the log's index, and the journal that it would have in another mode. */
static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

#define SUFFIX_MAX 16

static bool take_path(const char *name, const char *value, void *context) {
    char *path = context;
    if (strcmp(name, "path") == 0 && value[0] == '/' && !realpath(value, path))
        snprintf(path, PATH_MAX, "%s", value);
    return true;
}

static const char *split(const char *path, char directory[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    snprintf(directory, PATH_MAX, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    return slash ? slash + 1 : path;
}

/* Neither file has to exist. */
static bool is_same_name(const char *left, const char *right) {
    char left_directory[PATH_MAX], right_directory[PATH_MAX];
    const char *left_name = split(left, left_directory);
    const char *right_name = split(right, right_directory);
    struct stat left_status, right_status;
    return strcmp(left_name, right_name) == 0 && stat(left_directory, &left_status) == 0 &&
           stat(right_directory, &right_status) == 0 && is_same(&left_status, &right_status);
}

static bool is_named_after_store(const struct call *call, const char *path, const struct stat *file) {
    char store[PATH_MAX] = "";
    (void)lesson_store_info(call->store, take_path, store);
    for (size_t i = 0; store[0] && i < sizeof suffixes / sizeof *suffixes; i++) {
        char own[PATH_MAX + SUFFIX_MAX];
        struct stat status;
        snprintf(own, sizeof own, "%s%s", store, suffixes[i]);
        if (is_same_name(own, path) || (file && stat(own, &status) == 0 && is_same(file, &status)))
            return true;
    }
    return false;
}

/* A store without an open file, as of Redis, is not asked for its path. */
static bool is_own(const struct call *call, const char *path, const struct stat *file, DIR *descriptors) {
    if (descriptors && !is_open(descriptors, NULL))
        return false;
    return (descriptors && file && is_open(descriptors, file)) || is_named_after_store(call, path, file);
}

bool own_path(const struct call *call, const char *path) {
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (exists && !S_ISREG(status.st_mode))
        return false;
    DIR *descriptors = opendir("/proc/self/fd");
    bool own = is_own(call, path, exists ? &status : NULL, descriptors);
    if (descriptors)
        closedir(descriptors);
    return own;
}

int own_refuse(const struct call *call, const char *path) {
    return complain_of(call, LESSON_STORE_INVALID, "%s: is a file of the store itself", path);
}
