# Sets LESSONSTORE_WITH_TLS: whether the redis backend speaks TLS, by OpenSSL. Then there is a target PkgConfig::LESSONSTORE_OPENSSL. The name
# keeps out of the way of another project that looks for OpenSSL too.
set_property(CACHE LESSONSTORE_TLS PROPERTY STRINGS AUTO ON OFF)
set(LESSONSTORE_WITH_TLS OFF)
if(LESSONSTORE_REDIS AND LESSONSTORE_TLS)
    find_package(PkgConfig REQUIRED)
    if(LESSONSTORE_TLS STREQUAL "AUTO")
        pkg_check_modules(LESSONSTORE_OPENSSL IMPORTED_TARGET GLOBAL openssl>=3.0)
    else()
        pkg_check_modules(LESSONSTORE_OPENSSL REQUIRED IMPORTED_TARGET GLOBAL openssl>=3.0)
    endif()
    set(LESSONSTORE_WITH_TLS ${LESSONSTORE_OPENSSL_FOUND})
endif()
