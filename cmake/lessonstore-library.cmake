# lessonstore_add_library(NAME OBJECTS)
#
# The library NAME of the objects of the target OBJECTS: shared or static, as BUILD_SHARED_LIBS says.
#
# A static library shows programs every function that two of its files share, and so occupies those names. So its objects
# are linked into one object, in which only the functions that the headers declare stay visible.
function(lessonstore_add_library name objects)
    if(BUILD_SHARED_LIBS)
        add_library(${name} SHARED $<TARGET_OBJECTS:${objects}>)
        target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:lessonstore_hardening>)
    else()
        lessonstore_link_objects(whole ${name} ${objects})
        add_library(${name} STATIC ${whole})
        set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
    endif()
    set_target_properties(${name} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    if(BUILD_SHARED_LIBS)
        lessonstore_version_symbols(${name})
    endif()
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
endfunction()

# Gives every function of a shared library the version of the interface. While the major version is 0, each minor version
# may break what was linked with another one, so the loader refuses such a program before it runs.
function(lessonstore_version_symbols name)
    include(CheckLinkerFlag)
    set(interface ${PROJECT_VERSION_MAJOR})
    if(PROJECT_VERSION_MAJOR EQUAL 0)
        set(interface ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    endif()
    string(MAKE_C_IDENTIFIER ${name} node)
    string(TOUPPER ${node} node)
    set(script ${CMAKE_CURRENT_BINARY_DIR}/${name}.map)
    file(CONFIGURE OUTPUT ${script} CONTENT "${node}_${interface} { global: lesson_store_*; };\n")
    check_linker_flag(C -Wl,--version-script=${script} LESSONSTORE_HAS_VERSION_SCRIPT)
    if(LESSONSTORE_HAS_VERSION_SCRIPT)
        target_link_options(${name} PRIVATE -Wl,--version-script=${script})
        set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${script})
    endif()
endfunction()

# lessonstore_set_runpath(TARGET ENTRY...)
#
# Where an installed target looks for our libraries. In the build directory it has the same RUNPATH: when CMake changes a
# RUNPATH at installation, the one of the build ends with a colon, and that empty entry is the current directory.
function(lessonstore_set_runpath target)
    list(JOIN ARGN ":" runpath)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "${runpath}")
endfunction()

# objcopy cannot hide names in the intermediate code of link-time optimisation, so these objects are compiled without it.
# The flags that choose the target machine are also those of the link.
function(lessonstore_link_objects out name objects)
    include(CheckCCompilerFlag)
    check_c_compiler_flag(-fno-lto LESSONSTORE_HAS_NO_LTO)
    set_target_properties(${objects} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    target_compile_options(${objects} PRIVATE $<$<BOOL:${LESSONSTORE_HAS_NO_LTO}>:-fno-lto>)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
    if(CMAKE_C_COMPILER_TARGET AND CMAKE_C_COMPILE_OPTIONS_TARGET)
        list(APPEND flags ${CMAKE_C_COMPILE_OPTIONS_TARGET}${CMAKE_C_COMPILER_TARGET})
    endif()
    if(NOT CMAKE_OBJCOPY)
        message(FATAL_ERROR "lessonstore: a static library needs objcopy, which was not found (CMAKE_OBJCOPY)")
    endif()
    set(whole ${CMAKE_CURRENT_BINARY_DIR}/${name}.o)
    add_custom_command(OUTPUT ${whole}
        COMMAND ${CMAKE_C_COMPILER} ${flags} $<$<BOOL:${LESSONSTORE_HAS_NO_LTO}>:-fno-lto> -r -nostdlib -o ${whole}
                $<TARGET_OBJECTS:${objects}>
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
        DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
        COMMAND_EXPAND_LISTS VERBATIM)
    set(${out} ${whole} PARENT_SCOPE)
endfunction()
