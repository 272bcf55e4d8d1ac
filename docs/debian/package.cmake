# `cpack --config build/release/CPackConfig.cmake -B build/release` makes a Debian package there.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "wc-intercept maintainers <wc-intercept@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "show which library function made each system call")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "wc-preload runs a program, wraps the library functions that were selected,
and prints each system call under the function that made it. System calls
are intercepted only while such a function runs; the rest of the program
runs undisturbed. It needs no root, no kernel module and no change to the
program.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF) # installing strips the programs: the tracer reads the shim's symbols
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS libcurl4) # -b otlp loads it
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS OFF) # nobody links the shim
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)

set(debian ${CMAKE_CURRENT_LIST_DIR})
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PRE_BUILD_SCRIPTS ${debian}/tidy.cmake)
set(CPACK_WC_DEBIAN ${debian})
include(CPack)
