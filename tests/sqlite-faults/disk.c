#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "opening.h"

enum { FILES = 3, SECTOR_SIZE = 512, FILE_MAX = 4 << 20, CHANGES_MAX = 4096 };

/* A change that may not have reached the disk: bytes, or without bytes a new size. */
typedef struct disk_change {
    int64_t offset;
    int64_t size;
    unsigned char *bytes;
} disk_change;

typedef struct disk_file {
    char path[400];
    bool is_there;        /* for SQLite */
    bool is_certain;      /* whether it exists after a power loss is certain */
    bool owes_directory;  /* SQLite syncs the directory with the first sync of a log that it has created */
    int64_t size;         /* of the certain part of its content */
    unsigned char *bytes; /* FILE_MAX */
    size_t change_count;  /* since the last sync */
    disk_change changes[CHANGES_MAX];
} disk_file;

static struct {
    disk_file files[FILES];
    void (*callback)(void *context);
    void *context;
    uint64_t log_syncs;
} disk;

static const char *const endings[FILES] = {"", "-wal", "-journal"};
enum { THE_DATABASE, THE_LOG };

static void report(void) {
    if (disk.callback)
        disk.callback(disk.context);
}

static disk_file *find(const char *path) {
    for (int i = 0; i < FILES; i++) {
        if (strcmp(disk.files[i].path, path) == 0)
            return &disk.files[i];
    }
    return NULL;
}

static void forget_changes(disk_file *file) {
    for (size_t i = 0; i < file->change_count; i++)
        free(file->changes[i].bytes);
    file->change_count = 0;
}

static void add_change(disk_file *file, int64_t offset, int64_t size, const void *bytes) {
    disk_change *change = &file->changes[file->change_count++];
    assert_true(file->change_count < CHANGES_MAX && offset + size <= FILE_MAX);
    *change = (disk_change){offset, size, NULL};
    if (!bytes)
        return;
    change->bytes = malloc((size_t)size);
    assert_non_null(change->bytes);
    memcpy(change->bytes, bytes, (size_t)size);
}

/* ---- Events of the file system */

static void hear_open(const char *path) {
    disk_file *file = find(path);
    if (!file || file->is_there)
        return;
    /* A new file of this name. The content of the old one is out of reach. */
    forget_changes(file);
    file->is_there = true;
    file->is_certain = false;
    file->owes_directory = file != &disk.files[THE_DATABASE];
    file->size = 0;
    report();
}

static void hear_write(const char *path, const void *bytes, int64_t size, int64_t offset) {
    disk_file *file = find(path);
    if (!file)
        return;
    add_change(file, offset, size, bytes);
    report();
}

static void hear_truncate(const char *path, int64_t size) {
    disk_file *file = find(path);
    if (!file)
        return;
    add_change(file, 0, size, NULL);
    report();
}

/* Moves the end of a content of `size` bytes. New bytes are zeros. */
static void set_size(unsigned char *bytes, int64_t *size, int64_t wanted) {
    if (wanted > *size)
        memset(bytes + *size, 0, (size_t)(wanted - *size));
    *size = wanted;
}

static void put(unsigned char *content, int64_t *content_size, int64_t offset, const unsigned char *bytes,
                int64_t size) {
    if (offset + size > *content_size)
        set_size(content, content_size, offset + size);
    memcpy(content + offset, bytes, (size_t)size);
}

static void sync_directory(void) {
    for (int i = 0; i < FILES; i++)
        disk.files[i].is_certain = true;
}

static void hear_sync(const char *path) {
    disk_file *file = find(path);
    if (!file)
        return;
    disk.log_syncs += file == &disk.files[THE_LOG];
    for (size_t i = 0; i < file->change_count; i++) {
        const disk_change *change = &file->changes[i];
        if (change->bytes)
            put(file->bytes, &file->size, change->offset, change->bytes, change->size);
        else
            set_size(file->bytes, &file->size, change->size);
    }
    forget_changes(file);
    if (file->owes_directory)
        sync_directory();
    file->owes_directory = false;
    report();
}

static void hear_delete(const char *path, bool is_synced) {
    disk_file *file = find(path);
    if (!file)
        return;
    file->is_there = false;
    file->is_certain = false;
    if (is_synced)
        sync_directory();
    report();
}

static const shim_observer observer = {hear_open, hear_write, hear_truncate, hear_sync, hear_delete};

void disk_begin(const sqlite_files *files) {
    for (int i = 0; i < FILES; i++) {
        disk_file *file = &disk.files[i];
        snprintf(file->path, sizeof file->path, "%s%s", files->database, endings[i]);
        file->is_there = false;
        file->is_certain = true;
        file->size = 0;
        file->bytes = malloc(FILE_MAX);
        assert_non_null(file->bytes);
    }
    disk.callback = NULL;
    disk.log_syncs = 0;
    shim_observe(&observer);
}

void disk_end(void) {
    shim_observe(NULL);
    for (int i = 0; i < FILES; i++) {
        forget_changes(&disk.files[i]);
        free(disk.files[i].bytes);
        disk.files[i].path[0] = 0;
    }
}

void disk_on_change(void (*callback)(void *context), void *context) {
    disk.callback = callback;
    disk.context = context;
}

uint64_t disk_log_syncs(void) {
    return disk.log_syncs;
}

/* ---- Power losses */

typedef enum disk_fate { ALL_LOST, IN_ORDER, ANY_SECTOR, FATES } disk_fate;

static bool is_kept(disk_fate fate, dice_state *dice) {
    return fate == IN_ORDER || (fate == ANY_SECTOR && dice_once_in(dice, 2));
}

/* Sector by sector, as they lie on the disk. */
static void keep_some(const disk_change *change, disk_fate fate, dice_state *dice, unsigned char *content,
                      int64_t *size) {
    for (int64_t done = 0, part; done < change->size; done += part) {
        part = SECTOR_SIZE - (change->offset + done) % SECTOR_SIZE;
        part = part < change->size - done ? part : change->size - done;
        if (is_kept(fate, dice))
            put(content, size, change->offset + done, change->bytes + done, part);
    }
}

static int64_t decide(const disk_file *file, dice_state *dice, unsigned char *content) {
    int64_t size = file->size;
    disk_fate fate = (disk_fate)dice_below(dice, FATES);
    size_t end = fate == IN_ORDER ? dice_below(dice, (unsigned)file->change_count + 1) : file->change_count;
    memcpy(content, file->bytes, (size_t)size);
    for (size_t i = 0; i < end; i++) {
        const disk_change *change = &file->changes[i];
        if (change->bytes)
            keep_some(change, i + 1 == end && fate == IN_ORDER ? ANY_SECTOR : fate, dice, content, &size);
        else if (is_kept(fate, dice))
            set_size(content, &size, change->size);
    }
    return size;
}

static void write_file(const char *path, const unsigned char *bytes, int64_t size) {
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(to >= 0);
    assert_int_equal(write(to, bytes, (size_t)size), size);
    close(to);
}

void disk_lose_power(const sqlite_files *image, dice_state *dice) {
    unsigned char *content = malloc(FILE_MAX);
    char path[400];
    assert_non_null(content);
    opening_clear(image);
    for (int i = 0; i < FILES; i++) {
        const disk_file *file = &disk.files[i];
        bool is_there = file->is_certain ? file->is_there : dice_once_in(dice, 2);
        snprintf(path, sizeof path, "%s%s", image->database, endings[i]);
        if (is_there)
            write_file(path, content, decide(file, dice, content));
    }
    free(content);
}
