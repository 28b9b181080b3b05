# One strict level of warnings for all our code, for GCC and Clang.
add_library(lessonstore_warnings INTERFACE)
target_link_libraries(lessonstore_warnings INTERFACE lessonstore_hardening)
target_compile_options(lessonstore_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
    -Werror=format-nonliteral -Werror=format-security # data is never used as a format
    -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/= # messages name files without the directory they were built in
    $<$<BOOL:${LESSONSTORE_WERROR}>:-Werror>)
target_compile_definitions(lessonstore_warnings INTERFACE _GNU_SOURCE)

if(LESSONSTORE_SANITIZE)
    add_compile_options(-fsanitize=${LESSONSTORE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${LESSONSTORE_SANITIZE})
endif()
