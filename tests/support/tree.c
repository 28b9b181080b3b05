#include "tree.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void tree_remove(const char *directory) {
    nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
