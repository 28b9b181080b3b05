# The installed files, and how other projects find them: a CMake package and pkg-config files.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/lessonstore)
get_property(packages GLOBAL PROPERTY LESSONSTORE_PACKAGES)
list(JOIN packages " " packages)
# A program that links the static library also links the libraries of its engines, but not everything that those would
# need if they were static. A program that links the shared library needs nothing of theirs, not even headers.
# pkg-config --static names the libraries for a static library that is installed beside the shared one.
get_property(linked GLOBAL PROPERTY LESSONSTORE_LINKED)
list(REMOVE_DUPLICATES linked)
if(BUILD_SHARED_LIBS)
    list(TRANSFORM linked PREPEND " -l")
    list(JOIN linked "" linked)
    set(LESSONSTORE_PC_REQUIRES "Libs.private:${linked}\n")
else()
    set(LESSONSTORE_PC_REQUIRES "Requires: ${packages}\n")
endif()
# The pkg-config files name their prefix relative to their own place, so that an installed tree can be moved.
file(RELATIVE_PATH LESSONSTORE_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)

install(TARGETS lessonstore EXPORT lessonstore-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES include/lessonstore/lessonstore.h include/lessonstore/executor.h include/lessonstore/feed.h include/lessonstore/figures.h include/lessonstore/backend.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lessonstore)
if(LESSONSTORE_FAULT)
    install(FILES include/lessonstore/fault.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lessonstore)
endif()
configure_file(cmake/lessonstore.pc.in lessonstore.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lessonstore.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(LESSONSTORE_CONFORMANCE)
    # A set of its own, so that a distribution can put the suite into a package of its own.
    install(TARGETS lessonstore-conformance EXPORT lessonstore-conformance-targets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(FILES include/lessonstore/conformance.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lessonstore)
    configure_file(cmake/lessonstore-conformance.pc.in lessonstore-conformance.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lessonstore-conformance.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
if(LESSONSTORE_CLI)
    install(TARGETS lessonctl)
    install(FILES cli/completion/lessonctl.bash RENAME lessonctl
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES cli/completion/_lessonctl DESTINATION ${CMAKE_INSTALL_DATADIR}/${LESSONSTORE_ZSH_DIRECTORY})
endif()

# The pages that the headers name.
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs backends DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg"
                                                                    PATTERN scripts EXCLUDE PATTERN site EXCLUDE)

# The parts that a build may leave out are the components of the package.
set(LESSONSTORE_BUILT_COMPONENTS "")
foreach(component IN ITEMS memory sqlite redis fault conformance cli)
    string(TOUPPER ${component} upper)
    if(LESSONSTORE_${upper})
        list(APPEND LESSONSTORE_BUILT_COMPONENTS ${component})
    endif()
endforeach()
if(LESSONSTORE_WITH_TLS)
    list(APPEND LESSONSTORE_BUILT_COMPONENTS tls)
endif()
list(JOIN LESSONSTORE_BUILT_COMPONENTS ", " LESSONSTORE_BUILT_TEXT)
install(EXPORT lessonstore-targets NAMESPACE lessonstore:: DESTINATION ${package_directory})
if(LESSONSTORE_CONFORMANCE)
    install(EXPORT lessonstore-conformance-targets NAMESPACE lessonstore:: DESTINATION ${package_directory})
endif()
configure_package_config_file(cmake/lessonstore-config.cmake.in lessonstore-config.cmake
                              INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(lessonstore-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lessonstore-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/lessonstore-config-version.cmake
        DESTINATION ${package_directory})
