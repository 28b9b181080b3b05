#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "own.h"
#include "target.h"

#define LINKS_MAX 40 /* as in Linux */
#define NAMES_MAX 100

int target_failed(const struct target *target, const struct call *call, int error) {
    return complain_of(call, LESSON_STORE_FAILED, "%s: cannot be written: %s", target->name, strerror(error));
}

/* ---- Where it is */

/* Replaces a link by where it leads. False with errno set; EINVAL means that it is no link. */
static bool follow(char path[PATH_MAX]) {
    char link[PATH_MAX], next[PATH_MAX];
    ssize_t size = readlink(path, link, sizeof link - 1);
    if (size < 0)
        return false;
    link[size] = '\0';
    const char *slash = strrchr(path, '/');
    bool beside = link[0] != '/' && slash;
    int length = snprintf(next, sizeof next, "%.*s%s", beside ? (int)(slash - path + 1) : 0, path, link);
    if (length < 0 || (size_t)length >= sizeof next) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(path, next, (size_t)length + 1);
    return true;
}

/* Follows links, also to a file that does not exist yet. False with errno set. */
static bool resolve(struct target *target) {
    size_t size = strlen(target->name);
    if (size >= sizeof target->path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(target->path, target->name, size + 1);
    for (int links = 0; links < LINKS_MAX; links++) {
        if (!follow(target->path))
            return errno == EINVAL || errno == ENOENT;
    }
    errno = ELOOP;
    return false;
}

/* The number of an open descriptor that the path names, or -1. To open such a path anew would begin the file anew. */
static int named_descriptor(const char *path) {
    static const char *const directories[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
        size_t size = strlen(directories[i]);
        const char *digits = path + size;
        if (strncmp(path, directories[i], size) == 0 && *digits && strspn(digits, "0123456789") == strlen(digits))
            return (int)strtol(digits, NULL, 10);
    }
    return -1;
}

/* ---- What may not be replaced */

/* How the files of SQLite begin: the database, its log in either byte order, the log's index. Another store may be one
 * of them, and its users would lose it. */
static const struct {
    size_t size;
    const char *start;
} formats[] = {{16, "SQLite format 3"}, {4, "\x37\x7f\x06\x82"}, {4, "\x37\x7f\x06\x83"}, {4, "\x18\xe2\x2d\x00"}};

static bool is_database(const char *path) {
    char start[16] = "";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    ssize_t size = read(descriptor, start, sizeof start);
    close(descriptor);
    for (size_t i = 0; size > 0 && i < sizeof formats / sizeof *formats; i++) {
        if ((size_t)size >= formats[i].size && memcmp(start, formats[i].start, formats[i].size) == 0)
            return true;
    }
    return false;
}

static int check_old_file(const struct target *target, const struct call *call, mode_t mode) {
    if (S_ISDIR(mode) || S_ISBLK(mode))
        return complain_of(call, LESSON_STORE_INVALID, "%s: is a %s", target->name,
                           S_ISDIR(mode) ? "directory" : "block device");
    if (S_ISREG(mode) && is_database(target->path))
        return complain_of(call, LESSON_STORE_INVALID, "%s: is a file of an SQLite database; remove it first",
                           target->name);
    return EXIT_YES;
}

/* ---- Opening */

static int open_stream(struct target *target, const struct call *call, int descriptor) {
    target->stream = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (target->stream)
        return EXIT_YES;
    int status = target_failed(target, call, errno);
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

static void remove_temporary(const struct target *target) {
    if (target->temporary[0])
        unlink(target->temporary);
    interrupt_forgets_file();
}

/* A file without a name is gone with the process, whatever ends it. Not every file system has such files, and they get
 * their name by /proc. */
static int make_nameless(const char *path) {
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    if (access("/proc/self/fd", X_OK) != 0)
        return -1;
    return open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

static int make_file(struct target *target) {
    int descriptor = make_nameless(target->path);
    if (descriptor >= 0)
        return descriptor;
    int size = snprintf(target->temporary, sizeof target->temporary, "%s.XXXXXX", target->path);
    if (size >= 0 && (size_t)size < sizeof target->temporary)
        return interrupt_make_file(target->temporary);
    errno = ENAMETOOLONG;
    return -1;
}

/* The new file is for the same users as the old one. If it cannot have the same group, the group may do nothing. */
static bool take_over(int descriptor, const struct stat *old) {
    mode_t mode = old->st_mode & 0777;
    if (fchown(descriptor, old->st_uid, old->st_gid) != 0 && fchown(descriptor, (uid_t)-1, old->st_gid) != 0)
        mode &= (mode_t)~S_IRWXG;
    return fchmod(descriptor, mode) == 0;
}

static int open_replacement(struct target *target, const struct call *call, const struct stat *old) {
    target->replaces = true;
    int descriptor = make_file(target);
    int status = open_stream(target, call, descriptor);
    if (status)
        remove_temporary(target);
    else if (old && !take_over(descriptor, old))
        status = target_close(target, call, target_failed(target, call, errno));
    return status;
}

int target_open(struct target *target, const struct call *call, const char *path) {
    *target = (struct target){.name = path};
    int descriptor = named_descriptor(path);
    if (descriptor < 0 && !resolve(target))
        return target_failed(target, call, errno);
    if (own_path(call, descriptor < 0 ? target->path : path))
        return own_refuse(call, path);
    if (descriptor >= 0)
        return open_stream(target, call, fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    struct stat old;
    if (stat(target->path, &old) != 0)
        return open_replacement(target, call, NULL);
    int status = check_old_file(target, call, old.st_mode);
    if (status)
        return status;
    if (S_ISREG(old.st_mode))
        return open_replacement(target, call, &old);
    return open_stream(target, call, open(target->path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
}

/* ---- Closing */

/* Gives the file a name: its own if there is no old file, else a temporary one, which is renamed at once. */
static bool name_file(struct target *target) {
    char file[64];
    snprintf(file, sizeof file, "/proc/self/fd/%d", fileno(target->stream));
    if (linkat(AT_FDCWD, file, AT_FDCWD, target->path, AT_SYMLINK_FOLLOW) == 0)
        return true;
    for (int names = 0; errno == EEXIST && names < NAMES_MAX; names++) {
        unsigned number;
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            return false;
        int size = snprintf(target->temporary, sizeof target->temporary, "%s.%08x", target->path, number);
        if (size < 0 || (size_t)size >= sizeof target->temporary) {
            errno = ENAMETOOLONG;
            break;
        }
        if (linkat(AT_FDCWD, file, AT_FDCWD, target->temporary, AT_SYMLINK_FOLLOW) == 0)
            return true;
    }
    target->temporary[0] = '\0';
    return false;
}

/* Signals wait, so that none comes between the temporary name and the right one. */
static bool publish(struct target *target) {
    sigset_t before;
    interrupt_hold(&before);
    bool done = target->temporary[0] || name_file(target);
    if (done && target->temporary[0])
        done = rename(target->temporary, target->path) == 0;
    int error = errno;
    if (done)
        target->temporary[0] = '\0';
    interrupt_release(&before);
    errno = error;
    return done;
}

int target_close(struct target *target, const struct call *call, int status) {
    if (!status && (fflush(target->stream) != 0 || (target->replaces && !publish(target))))
        status = target_failed(target, call, errno);
    if (fclose(target->stream) != 0 && !status)
        status = target_failed(target, call, errno);
    remove_temporary(target);
    return status;
}
