wc_unit_test(symbols_test LINK wc_symbols)
target_compile_options(symbols_test PRIVATE -g)

# The same program in every form that debug information comes in.
set(symbols_folder ${CMAKE_CURRENT_BINARY_DIR}/symbols_programs)
file(MAKE_DIRECTORY ${symbols_folder})
foreach(kind pie no-pie)
  add_executable(symbols_${kind} fixtures/symbols_program.c)
  # Without optimisation, so that each call has its own line and frame.
  target_compile_options(symbols_${kind} PRIVATE -g -O0 $<IF:$<STREQUAL:${kind},pie>,-fPIE,-fno-pie>)
  target_link_options(symbols_${kind} PRIVATE -${kind} -Wl,--build-id)
  set_target_properties(symbols_${kind} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${symbols_folder})
endforeach()
add_custom_command(
  OUTPUT ${symbols_folder}/stripped ${symbols_folder}/linked ${symbols_folder}/linked.debug
         ${symbols_folder}/unindexed ${symbols_folder}/compressed
  COMMAND ${CMAKE_OBJCOPY} --strip-all symbols_pie stripped
  COMMAND ${CMAKE_OBJCOPY} --only-keep-debug symbols_pie linked.debug
  COMMAND ${CMAKE_OBJCOPY} --strip-all --add-gnu-debuglink=linked.debug symbols_pie linked
  COMMAND ${CMAKE_OBJCOPY} --remove-section=.debug_aranges symbols_pie unindexed
  COMMAND ${CMAKE_OBJCOPY} --compress-debug-sections=zlib symbols_pie compressed
  DEPENDS symbols_pie WORKING_DIRECTORY ${symbols_folder} VERBATIM)
add_custom_target(symbols_programs DEPENDS ${symbols_folder}/stripped symbols_no-pie)
add_dependencies(symbols_test symbols_programs)
target_compile_definitions(symbols_test PRIVATE SYMBOLS_PROGRAMS="${symbols_folder}")

wc_unit_test(jit_map_test LINK wc_symbols)

wc_unit_test(unwinder_test LINK wc_symbols)
target_compile_options(unwinder_test PRIVATE -g)
