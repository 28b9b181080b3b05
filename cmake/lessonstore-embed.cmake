# lessonstore_embed(OUTPUT HEADER header.h DIRECTORY directory SCRIPTS name... [OPERATIONS name...] [BATCHES kind...])
#
# Makes the C file OUTPUT from Lua scripts. Each script becomes a `const redis_script redis_<name>_script`, a type that
# HEADER declares. The build makes the file again after a script was edited. OUTPUT.<name>.lua holds the text that is
# sent to the server.
#
#   SCRIPTS     DIRECTORY/<name>.lua, unchanged
#   OPERATIONS  DIRECTORY/operations/<name>.lua. Each kind in it becomes a script <kind> through single.lua, and all kinds
#               together become the script `batch` through batch.lua. operations/README.md says how to write them
#   BATCHES     kinds that also get a script <kind>_batch through same.lua, for batches of only that kind
#
# A script that asks KEYS_ARE_APART becomes two, in each of which that is a constant: <name>, and the one that its member
# `apart` points to. So does a script with lines that begin with `--@`: they are code only in the one that its member
# `feed` points to.
#
# A line `-- include FILE` stands for that file of DIRECTORY, indented as the line is. Lines that are only comments are
# left out. So are the branches of an `if` that a script can never take: see leave_out_branches.
function(lessonstore_embed output)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "HEADER;DIRECTORY" "SCRIPTS;OPERATIONS;BATCHES")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${arg_DIRECTORY}/*.lua)
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} "-DOUTPUT=${output}" "-DHEADER=${arg_HEADER}" "-DDIRECTORY=${arg_DIRECTORY}"
                "-DSCRIPTS=${arg_SCRIPTS}" "-DOPERATIONS=${arg_OPERATIONS}" "-DBATCHES=${arg_BATCHES}"
                -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        DEPENDS ${sources} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
        VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
    return()
endif()
cmake_policy(VERSION 3.16)

# Reads a file, with the files that it includes.
function(read_lua out file)
    file(READ ${DIRECTORY}/${file} text)
    while(text MATCHES "([ ]*)-- include ([a-z_/]+\\.lua)\n")
        set(line "${CMAKE_MATCH_0}")
        set(indent "${CMAKE_MATCH_1}")
        read_lua(included ${CMAKE_MATCH_2})
        string(REGEX REPLACE "\n([^\n])" "\n${indent}\\1" included "${indent}${included}")
        string(REPLACE "${line}" "${included}" text "${text}")
    endwhile()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Sets `out` to TRUE or FALSE if the condition of an `if` can only be that, otherwise to MAYBE. This is seen of names with
# `or` or with `and` between them, each perhaps behind a `not`, if all of them are in the lists.
function(judge out condition true_names false_names)
    set(${out} MAYBE PARENT_SCOPE)
    set(decisive TRUE) # the value of one name that is the value of the condition
    string(REPLACE " or " ";" names "${condition}")
    if(condition MATCHES " and ")
        set(decisive FALSE)
        string(REPLACE " and " ";" names "${condition}")
    endif()
    set(verdict MAYBE)
    foreach(name IN LISTS names)
        string(REGEX MATCH "^(not )?([A-Za-z_]+)$" matched "${name}")
        set(is_negated "${CMAKE_MATCH_1}")
        if(CMAKE_MATCH_2 IN_LIST true_names)
            set(value TRUE)
        elseif(CMAKE_MATCH_2 IN_LIST false_names)
            set(value FALSE)
        else()
            return()
        endif()
        if(is_negated AND value)
            set(value FALSE)
        elseif(is_negated)
            set(value TRUE)
        endif()
        if(NOT verdict STREQUAL decisive)
            set(verdict ${value})
        endif()
    endforeach()
    set(${out} ${verdict} PARENT_SCOPE)
endfunction()

# Leaves out the branches that are never taken, as the names in the lists are true and false. A branch that is always
# taken becomes a block. `if`, `elseif`, `else` and `end` of a statement have the same indentation.
#
# While a statement with the indentation N is read, kept_N is NONE if no branch was kept so far, SOME, or ALL if the
# latest one is always taken.
function(leave_out_branches out true_names false_names)
    list(APPEND true_names true)
    list(APPEND false_names false)
    string(ASCII 1 semicolon)
    string(ASCII 2 opening)
    string(ASCII 3 closing)
    string(REPLACE ";" "${semicolon}" lines "${${out}}")
    string(REPLACE "[" "${opening}" lines "${lines}")
    string(REPLACE "]" "${closing}" lines "${lines}")
    string(REPLACE "\n" ";" lines "${lines}")
    set(text "")
    set(left_out "") # the indentation of the statement of which a branch is being left out
    foreach(line IN LISTS lines)
        string(REGEX MATCH "^( *)(if|elseif|else|end)( .*)?$" word "${line}")
        set(indentation "${CMAKE_MATCH_1}")
        set(word "${CMAKE_MATCH_2}")
        set(rest "${CMAKE_MATCH_3}")
        string(LENGTH "${indentation}" n)
        if(NOT left_out STREQUAL "" AND (word MATCHES "^(if|)$" OR n GREATER left_out))
            continue()
        endif()

        set(verdict MAYBE)
        if(word STREQUAL "else")
            set(verdict TRUE)
        elseif(rest MATCHES "^ (.*) then$")
            judge(verdict "${CMAKE_MATCH_1}" "${true_names}" "${false_names}")
        endif()
        if(word STREQUAL "if")
            set(kept_${n} NONE)
        endif()

        set(left_out "")
        if(word STREQUAL "" OR NOT DEFINED kept_${n})
        elseif(word STREQUAL "end")
            if(kept_${n} STREQUAL "NONE")
                set(line "")
            endif()
            unset(kept_${n})
        elseif(kept_${n} STREQUAL "ALL" OR verdict STREQUAL "FALSE")
            set(left_out ${n})
            continue()
        elseif(kept_${n} STREQUAL "NONE" AND verdict STREQUAL "TRUE")
            set(line "${indentation}do")
            set(kept_${n} ALL)
        elseif(kept_${n} STREQUAL "NONE")
            set(line "${indentation}if${rest}")
            set(kept_${n} SOME)
        elseif(verdict STREQUAL "TRUE")
            set(line "${indentation}else")
            set(kept_${n} ALL)
        endif()
        string(APPEND text "${line}\n")
    endforeach()
    string(REPLACE "${semicolon}" ";" text "${text}")
    string(REPLACE "${opening}" "[" text "${text}")
    string(REPLACE "${closing}" "]" text "${text}")
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Makes a script of a single call build each key at once instead of its front first, which is cheaper for one key.
function(inline_keys out text)
    while(text MATCHES "local ([A-Z]+) = (prefix [^\n]*)\n")
        string(REPLACE "${CMAKE_MATCH_0}" "" text "${text}")
        string(REPLACE "${CMAKE_MATCH_1} .. " "${CMAKE_MATCH_2} .. " text "${text}")
    endwhile()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

# Adds a script to the C file, with its other forms.
function(add_script name text)
    set(feed "0")
    if(text MATCHES "--@ ")
        string(REPLACE "--@ " "" feed_text "${text}")
        add_forms("static " ${name}_feed "${feed_text}" "0")
        set(feed "&redis_${name}_feed_script")
    endif()
    add_forms("" ${name} "${text}" "${feed}")
    set(code "${code}" PARENT_SCOPE)
endfunction()

# If it asks KEYS_ARE_APART, it is added as two scripts, and each is a constant in one.
function(add_forms storage name text feed)
    set(apart "0")
    if(text MATCHES "KEYS_ARE_APART")
        set(apart_text "${text}")
        leave_out_branches(apart_text KEYS_ARE_APART "")
        leave_out_branches(text "" KEYS_ARE_APART)
        string(REPLACE "KEYS_ARE_APART" "true" apart_text "${apart_text}")
        string(REPLACE "KEYS_ARE_APART" "false" text "${text}")
        add_one_script("static " ${name}_apart "${apart_text}" "0" "0")
        set(apart "&redis_${name}_apart_script")
    endif()
    add_one_script("${storage}" ${name} "${text}" "${apart}" "${feed}")
    set(code "${code}" PARENT_SCOPE)
endfunction()

function(add_one_script storage name text apart feed)
    string(REGEX REPLACE "(^|\n)([ ]*--[^\n]*\n)+" "\\1" text "\n${text}")
    string(REGEX REPLACE "\n\n+" "\n" text "${text}")
    string(REGEX REPLACE "^\n" "" text "${text}")
    # Written to a file, because CMake takes bytes and digests from files.
    file(WRITE ${OUTPUT}.${name}.lua "${text}")
    file(SHA1 ${OUTPUT}.${name}.lua sha1)
    file(READ ${OUTPUT}.${name}.lua bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes "${bytes}")
    set(code "${code}\nstatic const char ${name}_source[] = {\n${bytes}\n};\n
${storage}const redis_script redis_${name}_script = {${name}_source, sizeof ${name}_source, \"${sha1}\", ${apart}, ${feed}};\n" PARENT_SCOPE)
endfunction()

# Writes no events around an operation that has none.
function(leave_out_feed out operation)
    if(NOT operation MATCHES "--@ ")
        string(REGEX REPLACE "--@ [^\n]*\n" "" without "${${out}}")
        set(${out} "${without}" PARENT_SCOPE)
    endif()
endfunction()

# Adds a name and its value to the lists `names` and `values`, if the body has that name.
function(declare body name value)
    if(body MATCHES "(^|[^a-z_])${name}([^a-z_]|$)")
        set(names ${names} ${name} PARENT_SCOPE)
        set(values ${values} ${value} PARENT_SCOPE)
    endif()
endfunction()

# Makes the code for one operation of this kind, whose arguments begin at `at`. `stride` becomes the number of its
# arguments. In the code, the kinds of the file are constants and all their arguments are variables, as far as it has
# their names: each costs the server a little.
function(expand out stride kind kinds arguments all_arguments body)
    string(REPLACE ", " ";" kinds "${kinds}")
    string(REPLACE ", " ";" arguments "${arguments}")
    string(REPLACE ", " ";" all_arguments "${all_arguments}")
    list(LENGTH arguments count)
    set(${stride} ${count} PARENT_SCOPE)

    set(false_kinds ${kinds})
    list(REMOVE_ITEM false_kinds ${kind})
    leave_out_branches(body ${kind} "${false_kinds}")
    string(REGEX REPLACE "\n *--[^@\n][^\n]*" "" body "\n${body}")

    set(names "")
    set(values "")
    declare("${body}" ${kind} true)
    foreach(name IN LISTS false_kinds)
        declare("${body}" ${name} false)
    endforeach()
    foreach(name IN LISTS all_arguments)
        list(FIND arguments ${name} place)
        if(place EQUAL -1)
            declare("${body}" ${name} nil)
        else()
            declare("${body}" ${name} "argv[at + ${place}]")
        endif()
    endforeach()
    list(JOIN names ", " names)
    list(JOIN values ", " values)
    set(${out} "local ${names} = ${values}
repeat${body}until true
" PARENT_SCOPE)
endfunction()

set(code "/* Made by the build of the files in ${DIRECTORY}. */\n#include \"${HEADER}\"\n")
foreach(name IN LISTS SCRIPTS)
    read_lua(text ${name}.lua)
    add_script(${name} "${text}")
endforeach()

set(branches "")
set(start "local problem, key, other, partly, answer, refused\n")
foreach(operation IN LISTS OPERATIONS)
    read_lua(body operations/${operation}.lua)
    string(REGEX MATCHALL "--: [a-z_]+\\([a-z_, ]+\\)" signatures "${body}")
    string(REGEX REPLACE "--: ([a-z_]+)\\([a-z_, ]+\\)" "\\1" kinds "${signatures}")
    string(REPLACE ";" ", " kinds "${kinds}")
    list(GET signatures -1 longest)
    string(REGEX REPLACE ".*\\((.*)\\)" "\\1" all_arguments "${longest}")
    foreach(signature IN LISTS signatures)
        string(REGEX MATCH "([a-z_]+)\\((.*)\\)" matched "${signature}")
        set(kind ${CMAKE_MATCH_1})
        expand(code_of_kind stride ${kind} "${kinds}" "${CMAKE_MATCH_2}" "${all_arguments}" "${body}")
        read_lua(text single.lua)
        leave_out_feed(text "${code_of_kind}")
        string(REPLACE "-- OPERATION\n" "${start}${code_of_kind}" text "${text}")
        inline_keys(text "${text}")
        add_script(${kind} "${text}")
        if(kind IN_LIST BATCHES)
            read_lua(text same.lua)
            string(REPLACE "-- OPERATION\n" "${start}${code_of_kind}" text "${text}")
            string(REPLACE "STRIDE" "${stride}" text "${text}")
            add_script(${kind}_batch "${text}")
        endif()
        string(APPEND branches "elseif kind == '${kind}' then\n${code_of_kind}at = at + ${stride}\n")
    endforeach()
endforeach()
if(OPERATIONS)
    read_lua(text batch.lua)
    string(REGEX REPLACE "^else" "" branches "${branches}")
    string(REPLACE "-- OPERATIONS\n" "${start}${branches}end\n" text "${text}")
    add_script(batch "${text}")
endif()
file(WRITE ${OUTPUT} "${code}")
