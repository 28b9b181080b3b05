# lessonstore_embed(OUTPUT HEADER header.h SCRIPTS name=part+part...)
#
# Makes the C file OUTPUT of Lua scripts: each becomes a `const redis_script redis_<name>_script`, a type that HEADER
# declares. A script is its parts one after the other. It is made by the build, so that editing a part makes it anew.
function(lessonstore_embed output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER" "SCRIPTS")
    set(parts ${arg_SCRIPTS})
    list(TRANSFORM parts REPLACE "^[^=]*=" "")
    string(REPLACE "+" ";" parts "${parts}")
    list(REMOVE_DUPLICATES parts)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DHEADER=${arg_HEADER}" "-DSCRIPTS=${arg_SCRIPTS}"
                -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
        DEPENDS ${parts} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
    return()
endif()

set(code "/* Made by the build of the files in scripts/. */\n#include \"${HEADER}\"\n")
foreach(script IN LISTS SCRIPTS)
    string(REGEX MATCH "^([^=]*)=(.*)$" matched "${script}")
    set(name ${CMAKE_MATCH_1})
    string(REPLACE "+" ";" parts "${CMAKE_MATCH_2}")
    # Joined in a file, of which CMake can take bytes and digest.
    set(joined ${OUTPUT}.${name}.lua)
    execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${parts} OUTPUT_FILE ${joined} RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "cannot read one of ${parts}")
    endif()
    file(SHA1 ${joined} sha1)
    file(READ ${joined} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    string(APPEND code "\nstatic const char ${name}_source[] = {\n${bytes}\n};\n\n"
                       "const redis_script redis_${name}_script = {${name}_source, sizeof ${name}_source, \"${sha1}\"};\n")
endforeach()
file(WRITE ${OUTPUT} "${code}")
