# Writes wc-preload(1) to TO: the page FROM/wc-preload.1.in with the options that TOOL tells and the
# keys of docs/configuration.md.
execute_process(COMMAND ${TOOL} --help COMMAND awk -f ${FROM}/options.awk
                OUTPUT_VARIABLE OPTIONS OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND awk -f ${FROM}/configuration.awk ${FROM}/../configuration.md
                OUTPUT_VARIABLE CONFIGURATION OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
configure_file(${FROM}/wc-preload.1.in ${TO} @ONLY)
