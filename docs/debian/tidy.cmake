# What Debian wants otherwise than `cmake --install` has it: compressed pages and a changelog, and what
# lintian need not say.
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
file(MAKE_DIRECTORY ${usr}/share/lintian/overrides)
configure_file(${CPACK_WC_DEBIAN}/lintian-overrides ${usr}/share/lintian/overrides/wc-intercept COPYONLY)
set(CHANGELOG_DATE "Sat, 28 Nov 2026 00:00:00 +0000") # of the version, not of the day
configure_file(${CPACK_WC_DEBIAN}/changelog.in ${usr}/share/doc/wc-intercept/changelog @ONLY)
# zsh looks here under /usr, elsewhere under /usr/local.
file(REMOVE_RECURSE ${usr}/share/zsh/site-functions)

file(GLOB pages ${usr}/share/man/man1/*.1)
execute_process(COMMAND gzip -9n ${pages} ${usr}/share/doc/wc-intercept/changelog COMMAND_ERROR_IS_FATAL ANY)
