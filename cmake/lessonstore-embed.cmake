# lessonstore_embed(OUTPUT HEADER header.h FOLDER folder SCRIPTS name...)
#
# Makes the C file OUTPUT of the Lua scripts FOLDER/name.lua: each becomes a `const redis_script redis_<name>_script`, a
# type that HEADER declares. A line `-- include FILE` stands for that file of the folder. Lines that are only comments are
# left out. It is made by the build, so that editing a script makes it anew; what the server is sent can be read
# beside OUTPUT, in OUTPUT.<name>.lua.
function(lessonstore_embed output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;FOLDER" "SCRIPTS")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${arg_FOLDER}/*.lua)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DHEADER=${arg_HEADER}" "-DFOLDER=${arg_FOLDER}"
                "-DSCRIPTS=${arg_SCRIPTS}" -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        DEPENDS ${sources} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
    return()
endif()

# The text of a file, with what it includes and without comments.
function(read_script out file)
    file(READ ${FOLDER}/${file} text)
    while(text MATCHES "[ ]*-- include ([a-z_/]+\\.lua)\n")
        set(line "${CMAKE_MATCH_0}")
        read_script(included ${CMAKE_MATCH_1})
        string(REPLACE "${line}" "${included}" text "${text}")
    endwhile()
    string(REGEX REPLACE "(^|\n)[ ]*--[^\n]*" "\\1" text "${text}")
    string(REGEX REPLACE "\n\n+" "\n" text "${text}")
    string(REGEX REPLACE "^\n" "" text "${text}")
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(code "/* Made by the build of the files in ${FOLDER}. */\n#include \"${HEADER}\"\n")
foreach(name IN LISTS SCRIPTS)
    read_script(text ${name}.lua)
    # Written to a file, of which CMake can take bytes and digest.
    file(WRITE ${OUTPUT}.${name}.lua "${text}")
    file(SHA1 ${OUTPUT}.${name}.lua sha1)
    file(READ ${OUTPUT}.${name}.lua bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    string(APPEND code "\nstatic const char ${name}_source[] = {\n${bytes}\n};\n\n"
                       "const redis_script redis_${name}_script = {${name}_source, sizeof ${name}_source, \"${sha1}\"};\n")
endforeach()
file(WRITE ${OUTPUT} "${code}")
