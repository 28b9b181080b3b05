/* Where lessonctl keeps files of its own: the folders of the XDG base directory specification. */
#ifndef LESSONCTL_FOLDERS_H
#define LESSONCTL_FOLDERS_H

#include <limits.h>

#include "lessonctl.h"

/* Writes the path of a file in lessonstore's folder beneath $variable (else beneath ~/fallback) and makes the
 * folders, for the user alone. False with errno set. */
bool folder_file(const char *variable, const char *fallback, const char *name, char path[PATH_MAX]);

/* The store that is used where none is named: sqlite: and a file; *is_new says that the file is not there
 * yet. False with a message. */
bool default_location(const struct program *program, char location[LESSON_STORE_LOCATION_MAX + 1], bool *is_new);

#endif
