/* The list of built-in backends. Define BUILT_IN(name) before you include it. The build defines which backends are in.
 */
#ifdef LESSON_STORE_WITH_MEMORY
BUILT_IN(memory)
#endif
#ifdef LESSON_STORE_WITH_SQLITE
BUILT_IN(sqlite)
#endif
#ifdef LESSON_STORE_WITH_REDIS
BUILT_IN(redis)
#endif
#ifdef LESSON_STORE_WITH_FAULT
BUILT_IN(fault)
#endif
