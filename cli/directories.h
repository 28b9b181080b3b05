/* Where lessonctl keeps its own files: the directories of the XDG base directory specification. */
#ifndef LESSONCTL_DIRECTORIES_H
#define LESSONCTL_DIRECTORIES_H

#include <limits.h>

#include "lessonctl.h"

/* Writes the path of a file in lessonstore's directory below $variable (else below ~/fallback), and makes the
 * directories, accessible only to the user. False with errno set. */
bool directory_file(const char *variable, const char *fallback, const char *name, char path[PATH_MAX]);

/* The store that is used if none is named: sqlite: and a file. *is_new: the file does not exist yet. False with a
 * message. */
bool default_location(const struct program *program, char location[LESSON_STORE_LOCATION_MAX + 1], bool *is_new);

/* The same without a message, and without making anything. False if the file does not exist. */
bool default_location_if_there(char location[LESSON_STORE_LOCATION_MAX + 1]);

#endif
