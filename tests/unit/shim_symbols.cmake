wc_unit_test(shim_symbols_test SOURCES shim_stack_test.cpp LINK wc_base)
add_dependencies(shim_symbols_test wc_preload)
target_compile_definitions(shim_symbols_test PRIVATE
  WC_SHIM="$<TARGET_FILE:wc_preload>" NM="${CMAKE_NM}" OBJDUMP="${CMAKE_OBJDUMP}"
  READELF="${CMAKE_READELF}")

# The shim's C once more, with its own flags, for the compiler's account of the stack.
get_target_property(shim_sources wc_preload SOURCES)
get_target_property(shim_folder wc_preload SOURCE_DIR)
get_target_property(shim_options wc_preload COMPILE_OPTIONS)
list(FILTER shim_sources INCLUDE REGEX "\\.c$")
list(TRANSFORM shim_sources PREPEND ${shim_folder}/)
add_library(shim_stack_usage OBJECT ${shim_sources})
target_compile_options(shim_stack_usage PRIVATE ${shim_options} -fstack-usage)
target_link_libraries(shim_stack_usage PRIVATE wc_protocol)
wc_include_root(shim_stack_usage PRIVATE ${shim_folder})
add_dependencies(shim_symbols_test shim_stack_usage)
target_compile_definitions(shim_symbols_test PRIVATE
  SHIM_STACK_USAGE="${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/shim_stack_usage.dir")
