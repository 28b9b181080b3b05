#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* SQLite allocates it, with the real file's structure behind it. */
typedef struct shim_file {
    sqlite3_file base;
    const char *path; /* owned by SQLite, which keeps it while the file is open; NULL for a temporary file */
    uint32_t kind;
    sqlite3_file *real;
} shim_file;

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    sqlite3_mem_methods memory;
    const shim_observer *observer;
    shim_fault fault;
    bool is_armed;
    bool is_paused;
    uint64_t calls;
    uint64_t failed;
} shim;

void shim_arm(const shim_fault *fault) {
    shim.fault = *fault;
    shim.calls = shim.failed = 0;
    shim.is_armed = true;
    shim.is_paused = false;
}

void shim_disarm(void) {
    shim.is_armed = false;
}

void shim_pause(void) {
    shim.is_paused = true;
}

void shim_resume(void) {
    shim.is_paused = false;
}

uint64_t shim_failed(void) {
    return shim.failed;
}

void shim_observe(const shim_observer *observer) {
    shim.observer = observer;
}

/* True if this call is to fail. */
static bool falls(shim_method method, uint32_t kind) {
    const shim_fault *fault = &shim.fault;
    if (!shim.is_armed || shim.is_paused || !(fault->methods & 1u << method) || !(fault->files & kind))
        return false;
    shim.calls++;
    bool fails = shim.calls == fault->at || (fault->for_good && shim.calls > fault->at);
    shim.failed += fails;
    return fails;
}

static int fail(void) {
    if (shim.fault.result == SHIM_KILL)
        kill(getpid(), SIGKILL);
    errno = shim.fault.error;
    return shim.fault.result;
}

static shim_file *shim_of(sqlite3_file *file) {
    return (shim_file *)file;
}

static uint32_t kind_of(int flags) {
    if (flags & SQLITE_OPEN_MAIN_DB)
        return SHIM_DATABASE;
    if (flags & SQLITE_OPEN_WAL)
        return SHIM_LOG;
    return flags & SQLITE_OPEN_MAIN_JOURNAL ? SHIM_JOURNAL : SHIM_OTHER;
}

static uint32_t kind_of_path(const char *path) {
    size_t size = strlen(path);
    if (size > 4 && strcmp(path + size - 4, "-wal") == 0)
        return SHIM_LOG;
    return size > 8 && strcmp(path + size - 8, "-journal") == 0 ? SHIM_JOURNAL : SHIM_DATABASE;
}

/* ---- Files */

static int shim_close(sqlite3_file *file) {
    sqlite3_file *real = shim_of(file)->real;
    return real->pMethods->xClose(real);
}

static int shim_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset) {
    shim_file *own = shim_of(file);
    if (!falls(SHIM_READ, own->kind))
        return own->real->pMethods->xRead(own->real, bytes, size, offset);
    memset(bytes, 0, (size_t)size);
    if (shim.fault.effect == SHIM_HALF)
        own->real->pMethods->xRead(own->real, bytes, size / 2, offset);
    return fail();
}

static int write_and_report(shim_file *own, const void *bytes, int size, sqlite3_int64 offset) {
    int result = own->real->pMethods->xWrite(own->real, bytes, size, offset);
    if (result == SQLITE_OK && shim.observer && own->path)
        shim.observer->written(own->path, bytes, size, offset);
    return result;
}

static int shim_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
    shim_file *own = shim_of(file);
    if (!falls(SHIM_WRITE, own->kind))
        return write_and_report(own, bytes, size, offset);
    if (shim.fault.effect != SHIM_NOTHING)
        write_and_report(own, bytes, shim.fault.effect == SHIM_HALF ? size / 2 : size, offset);
    return fail();
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size) {
    shim_file *own = shim_of(file);
    bool falling = falls(SHIM_TRUNCATE, own->kind);
    if (falling && shim.fault.effect != SHIM_WHOLE)
        return fail();
    int result = own->real->pMethods->xTruncate(own->real, size);
    if (result == SQLITE_OK && shim.observer && own->path)
        shim.observer->truncated(own->path, size);
    return falling ? fail() : result;
}

static int shim_sync(sqlite3_file *file, int flags) {
    shim_file *own = shim_of(file);
    (void)flags;
    if (falls(SHIM_SYNC, own->kind))
        return fail();
    if (shim.observer && own->path)
        shim.observer->synced(own->path);
    return SQLITE_OK;
}

static int shim_file_size(sqlite3_file *file, sqlite3_int64 *size) {
    shim_file *own = shim_of(file);
    return falls(SHIM_FILE_SIZE, own->kind) ? fail() : own->real->pMethods->xFileSize(own->real, size);
}

static int shim_lock(sqlite3_file *file, int level) {
    shim_file *own = shim_of(file);
    return falls(SHIM_LOCK, own->kind) ? fail() : own->real->pMethods->xLock(own->real, level);
}

static int shim_unlock(sqlite3_file *file, int level) {
    shim_file *own = shim_of(file);
    int result = own->real->pMethods->xUnlock(own->real, level);
    return falls(SHIM_UNLOCK, own->kind) ? fail() : result;
}

static int shim_check_lock(sqlite3_file *file, int *is_locked) {
    shim_file *own = shim_of(file);
    return falls(SHIM_CHECK_LOCK, own->kind) ? fail() : own->real->pMethods->xCheckReservedLock(own->real, is_locked);
}

static int shim_file_control(sqlite3_file *file, int operation, void *argument) {
    shim_file *own = shim_of(file);
    return falls(SHIM_FILE_CONTROL, own->kind) ? fail()
                                               : own->real->pMethods->xFileControl(own->real, operation, argument);
}

static int shim_sector_size(sqlite3_file *file) {
    sqlite3_file *real = shim_of(file)->real;
    return real->pMethods->xSectorSize(real);
}

static int shim_characteristics(sqlite3_file *file) {
    sqlite3_file *real = shim_of(file)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int shim_map_shared(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
    shim_file *own = shim_of(file);
    if (!falls(SHIM_MAP_SHARED, own->kind))
        return own->real->pMethods->xShmMap(own->real, page, size, extend, out);
    *out = NULL;
    return fail();
}

/* Unlocking never fails here: the real function does not fail, and SQLite does not check it. */
static int shim_lock_shared(sqlite3_file *file, int offset, int count, int flags) {
    shim_file *own = shim_of(file);
    if (flags & SQLITE_SHM_LOCK && falls(SHIM_LOCK_SHARED, own->kind))
        return fail();
    return own->real->pMethods->xShmLock(own->real, offset, count, flags);
}

static void shim_barrier(sqlite3_file *file) {
    sqlite3_file *real = shim_of(file)->real;
    real->pMethods->xShmBarrier(real);
}

static int shim_unmap_shared(sqlite3_file *file, int remove) {
    sqlite3_file *real = shim_of(file)->real;
    return real->pMethods->xShmUnmap(real, remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2, /* without memory-mapped I/O */
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_file_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_characteristics,
    .xShmMap = shim_map_shared,
    .xShmLock = shim_lock_shared,
    .xShmBarrier = shim_barrier,
    .xShmUnmap = shim_unmap_shared,
};

/* ---- The file system */

static int shim_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
    shim_file *own = shim_of(file);
    (void)vfs;
    own->base.pMethods = NULL;
    own->path = path;
    own->kind = kind_of(flags);
    own->real = (sqlite3_file *)(own + 1);
    if (falls(SHIM_OPEN, own->kind))
        return fail();
    int result = shim.real->xOpen(shim.real, path, own->real, flags, out_flags);
    if (own->real->pMethods)
        own->base.pMethods = &methods;
    if (result == SQLITE_OK && shim.observer && path)
        shim.observer->opened(path);
    return result;
}

static int shim_delete(sqlite3_vfs *vfs, const char *path, int is_synced) {
    (void)vfs;
    if (falls(SHIM_DELETE, kind_of_path(path)))
        return fail();
    int result = shim.real->xDelete(shim.real, path, 0);
    if (result == SQLITE_OK && shim.observer)
        shim.observer->deleted(path, is_synced);
    return result;
}

static int shim_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) {
    (void)vfs;
    return falls(SHIM_ACCESS, kind_of_path(path)) ? fail() : shim.real->xAccess(shim.real, path, flags, out);
}

/* SQLite counts the time that it has slept. So a lock that is refused for good is given up at once. */
static int shim_sleep(sqlite3_vfs *vfs, int us) {
    (void)vfs;
    return shim.is_armed && shim.fault.result != SHIM_KILL ? us : shim.real->xSleep(shim.real, us);
}

/* ---- Memory */

static void *shim_allocate(int size) {
    return falls(SHIM_ALLOCATE, SHIM_OTHER) ? NULL : shim.memory.xMalloc(size);
}

static void *shim_reallocate(void *old, int size) {
    return falls(SHIM_ALLOCATE, SHIM_OTHER) ? NULL : shim.memory.xRealloc(old, size);
}

void shim_install(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &shim.memory);
    sqlite3_mem_methods memory = shim.memory;
    memory.xMalloc = shim_allocate;
    memory.xRealloc = shim_reallocate;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    /* Small allocations would come from a pool that never fails. */
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    shim.real = sqlite3_vfs_find(NULL);
    shim.vfs = *shim.real;
    shim.vfs.zName = "shim";
    shim.vfs.szOsFile = (int)sizeof(shim_file) + shim.real->szOsFile;
    shim.vfs.xOpen = shim_open;
    shim.vfs.xDelete = shim_delete;
    shim.vfs.xAccess = shim_access;
    shim.vfs.xSleep = shim_sleep;
    sqlite3_vfs_register(&shim.vfs, 1);
}
