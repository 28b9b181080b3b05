# The man pages, made of the pages of docs/ and backends/ and of the headers by scdoc. Each function of a header also has
# a page of its own.
find_program(LESSONSTORE_SCDOC scdoc REQUIRED)
find_program(LESSONSTORE_PERL perl REQUIRED)
include(GNUInstallDirs)

# NAME SECTION, what it is made of, and what it is in a few words.
set(manual
    "lessonctl|1|docs/lessonctl.md|the lesson store on a command line"
    "lessonstore|3|include/lessonstore/lessonstore.h|which lessons are open, and who is in which"
    "lessonstore-executor|3|include/lessonstore/executor.h|operations of threads and event loops, gathered into batches"
    "lessonstore-feed|3|include/lessonstore/feed.h|every change of a store as an event"
    "lessonstore-figures|3|include/lessonstore/figures.h|the figures and the log of a store"
    "lessonstore-fault|3|include/lessonstore/fault.h|faults made on purpose, for tests"
    "lessonstore-backend|3|include/lessonstore/backend.h|for the authors of backends"
    "lessonstore-conformance|3|include/lessonstore/conformance.h|the conformance suite for backends"
    "lessonstore-memory|7|backends/memory/README.md|the lesson store in the memory of a process"
    "lessonstore-sqlite|7|backends/sqlite/README.md|the lesson store in an SQLite file"
    "lessonstore-redis|7|backends/redis/README.md|the lesson store in a Redis or Valkey server"
    "lessonstore-cluster|7|backends/cluster/README.md|the lesson store over several shards of a Redis Cluster"
    "lessonstore-fault|7|backends/fault/README.md|how to let a lesson store fail"
    "lessonstore-errors|7|docs/errors.md|the codes, and what to do about them"
    "lessonstore-running|7|docs/running.md|sessions, bans and owners for servers"
    "lessonstore-executor|7|docs/executor.md|a guide to the executor"
    "lessonstore-feed|7|docs/feed.md|a guide to the feed"
    "lessonstore-figures|7|docs/figures.md|a guide to figures and the log"
    "lessonstore-production|7|docs/production.md|Redis in production"
    "lessonstore-capacity|7|docs/capacity.md|how many users and joins a server takes"
    "lessonstore-python|7|docs/python.md|the lesson store in Python"
    "lessonstore-promises|7|docs/promises.md|what every store promises")

# Pages of parts that are not built are left out.
foreach(part IN ITEMS CLI:lessonctl\\|1 FAULT:lessonstore-fault MEMORY:lessonstore-memory SQLITE:lessonstore-sqlite
                      REDIS:lessonstore-redis REDIS:lessonstore-production CLUSTER:lessonstore-cluster
                      REDIS:lessonstore-capacity PYTHON:lessonstore-python
                      CONFORMANCE:lessonstore-conformance)
    string(REGEX MATCH "^([A-Z]+):(.*)$" part "${part}")
    if(NOT LESSONSTORE_${CMAKE_MATCH_1})
        list(FILTER manual EXCLUDE REGEX "^${CMAKE_MATCH_2}")
    endif()
endforeach()

set(known "")
foreach(page IN LISTS manual)
    string(REGEX MATCH "^([^|]+)[|]([^|]+)[|]([^|]+)[|]" page "${page}")
    string(APPEND known "${CMAKE_MATCH_3}=${CMAKE_MATCH_1}(${CMAKE_MATCH_2}),")
endforeach()

set(script ${PROJECT_SOURCE_DIR}/cmake/lessonstore-manual.pl)
set(made "")

# Makes the page NAME(SECTION) of a file. Of a function, SUMMARY is the page of its header.
function(lesson_store_add_man_page name section source summary)
    set(output ${PROJECT_BINARY_DIR}/man/man${section}/${name}.${section})
    add_custom_command(OUTPUT ${output}
        COMMAND ${LESSONSTORE_PERL} ${script} ${source} ${name} ${section} ${summary} ${known}
                < ${PROJECT_SOURCE_DIR}/${source} > ${output}.scd
        COMMAND ${LESSONSTORE_SCDOC} < ${output}.scd > ${output}.untidy
        COMMAND ${LESSONSTORE_PERL} ${script} tidy < ${output}.untidy > ${output}
        DEPENDS ${PROJECT_SOURCE_DIR}/${source} ${script} VERBATIM)
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    set(made ${made} ${output} PARENT_SCOPE)
endfunction()

foreach(page IN LISTS manual)
    string(REGEX MATCH "^([^|]+)[|]([^|]+)[|]([^|]+)[|](.*)$" page "${page}")
    set(name ${CMAKE_MATCH_1})
    set(section ${CMAKE_MATCH_2})
    set(source ${CMAKE_MATCH_3})
    set(summary "${CMAKE_MATCH_4}")
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/man/man${section})
    lesson_store_add_man_page(${name} ${section} ${source} "${summary}")
    if(source MATCHES "\\.h$")
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
        file(STRINGS ${PROJECT_SOURCE_DIR}/${source} functions REGEX "^LESSON_STORE_API.*lesson_store_[a-z_0-9]+\\(")
        foreach(function IN LISTS functions)
            string(REGEX MATCH "(lesson_store_[a-z_0-9]+)\\(" function "${function}")
            lesson_store_add_man_page(${CMAKE_MATCH_1} ${section} ${source} ${name})
        endforeach()
    endif()
endforeach()
add_custom_target(lessonstore-manual ALL DEPENDS ${made})
