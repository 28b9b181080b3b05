/* Removes a directory with all that is in it, for tests. Symbolic links are removed and not followed. */
#ifndef LESSON_STORE_TESTS_TREE_H
#define LESSON_STORE_TESTS_TREE_H

void tree_remove(const char *directory);

#endif
