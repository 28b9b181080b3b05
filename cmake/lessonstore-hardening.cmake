# What an optimised build adds against memory errors, for all our code and for no other target: a guard in front of
# return addresses, checked variants of libc's functions, and tables of the loader that are read-only when main begins.
# A debug build stays as it is, and sanitizers check more by themselves.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

add_library(lessonstore_hardening INTERFACE)
set(optimised "$<CONFIG:Release,RelWithDebInfo,MinSizeRel>")

# A level that the builder has chosen by CMAKE_C_FLAGS, as distributions do, is kept. A compiler may define a level of its
# own, so it is undefined first.
function(lessonstore_find_fortify_level out)
    set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
    check_c_source_compiles("#include <stdio.h>\nint main(void) { return puts(\"\"); }" LESSONSTORE_HAS_FORTIFY_3)
    set(level 2)
    if(LESSONSTORE_HAS_FORTIFY_3)
        set(level 3)
    endif()
    set(${out} ${level} PARENT_SCOPE)
endfunction()

if(NOT LESSONSTORE_SANITIZE)
    check_c_compiler_flag(-fstack-protector-strong LESSONSTORE_HAS_STACK_PROTECTOR)
    if(LESSONSTORE_HAS_STACK_PROTECTOR)
        target_compile_options(lessonstore_hardening INTERFACE $<${optimised}:-fstack-protector-strong>)
    endif()
    if(NOT "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_RELEASE} ${CMAKE_C_FLAGS_RELWITHDEBINFO}" MATCHES "_FORTIFY_SOURCE")
        lessonstore_find_fortify_level(level)
        target_compile_options(lessonstore_hardening INTERFACE
            "$<${optimised}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${level}>")
    endif()
    check_linker_flag(C "-Wl,-z,relro,-z,now" LESSONSTORE_HAS_RELRO)
    if(LESSONSTORE_HAS_RELRO)
        target_link_options(lessonstore_hardening INTERFACE $<${optimised}:-Wl,-z,relro,-z,now>)
    endif()
endif()
