/* The list of built-in backends; included with BUILT_IN(name) defined. The build defines what is in. */
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
