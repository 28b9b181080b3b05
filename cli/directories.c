#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directories.h"

static int make_directory(const char *path) {
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

/* Makes every directory above the file of `path`. */
static int make_directories(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = make_directory(path);
        *slash = '/';
        if (result != 0)
            return result;
    }
    return 0;
}

/* Makes one slash of several. Two at the beginning would name a host where the path is put into a location. */
static void squeeze_slashes(char *path) {
    char *out = path;
    for (const char *in = path; *in; in++) {
        if (in[0] != '/' || in[1] != '/')
            *out++ = *in;
    }
    *out = '\0';
}

static bool find_path(const char *variable, const char *fallback, const char *name, char path[PATH_MAX]) {
    const char *base = getenv(variable);
    const char *home = getenv("HOME");
    int size;
    /* The specification says to ignore a relative path. */
    if (base && base[0] == '/')
        size = snprintf(path, PATH_MAX, "%s/lessonstore/%s", base, name);
    else if (home && home[0] == '/')
        size = snprintf(path, PATH_MAX, "%s/%s/lessonstore/%s", home, fallback, name);
    else {
        errno = ENOENT;
        return false;
    }
    if (size < 0 || size >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    squeeze_slashes(path);
    return true;
}

bool directory_file(const char *variable, const char *fallback, const char *name, char path[PATH_MAX]) {
    return find_path(variable, fallback, name, path) && make_directories(path) == 0;
}

/* A location is percent-decoded, so special characters are encoded. */
static bool append_encoded(char *location, size_t room, const char *path) {
    for (; *path; path++) {
        char encoded[4] = {*path, '\0'};
        if (*path == '%' || *path == '?')
            snprintf(encoded, sizeof encoded, "%%%02X", (unsigned)*path);
        size_t size = strlen(encoded);
        if (size >= room)
            return false;
        memcpy(location, encoded, size + 1);
        location += size;
        room -= size;
    }
    return true;
}

#define DEFAULT_STORE "XDG_DATA_HOME", ".local/share", "lessons.db"

static bool location_of(const char *path, char location[LESSON_STORE_LOCATION_MAX + 1]) {
    static const char scheme[] = "sqlite:";
    memcpy(location, scheme, sizeof scheme);
    size_t size = strlen(scheme);
    return append_encoded(location + size, LESSON_STORE_LOCATION_MAX + 1 - size, path);
}

bool default_location(const struct program *program, char location[LESSON_STORE_LOCATION_MAX + 1], bool *is_new) {
    char path[PATH_MAX];
    if (!directory_file(DEFAULT_STORE, path)) {
        complain(program, "data directory", LESSON_STORE_FAILED, "%s; name a store by --store or LESSONSTORE_LOCATION",
                 strerror(errno));
        return false;
    }
    *is_new = access(path, F_OK) != 0 && errno == ENOENT;
    if (location_of(path, location))
        return true;
    complain(program, "data directory", LESSON_STORE_FAILED, "its path is too long for a location");
    return false;
}

bool default_location_if_there(char location[LESSON_STORE_LOCATION_MAX + 1]) {
    char path[PATH_MAX];
    return find_path(DEFAULT_STORE, path) && access(path, R_OK) == 0 && location_of(path, location);
}
