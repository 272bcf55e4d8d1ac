wc_unit_test(stub_writer_test SOURCES stub_calls_test.cpp LINK wc_program wc_protocol)

# Plain programs, without sanitizers: they run as a user's would.
set(stub_folder ${CMAKE_CURRENT_BINARY_DIR}/stub_programs)
foreach(number 1 2)
  set(target stub_targets_${number})
  add_library(${target} SHARED fixtures/stub_targets.c)
  target_compile_definitions(${target} PRIVATE STUB_TARGETS_NUMBER=${number})
  target_link_options(${target} PRIVATE
    -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/fixtures/stub_targets.map)
  set_target_properties(${target} PROPERTIES
    LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fixtures/stub_targets.map
    LIBRARY_OUTPUT_DIRECTORY ${stub_folder})
endforeach()
# Found by the RUNPATH of the program that opens it, and by nothing else.
add_library(stub_plugin MODULE fixtures/stub_targets.c)
target_compile_definitions(stub_plugin PRIVATE STUB_TARGETS_NUMBER=3)
target_link_options(stub_plugin PRIVATE
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/fixtures/stub_targets.map)
set_target_properties(stub_plugin PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${stub_folder}/plugins)

add_executable(stub_program fixtures/stub_program.cpp)
target_include_directories(stub_program PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_options(stub_program PRIVATE -Wall -Wextra -Wno-address -Wno-nonnull-compare
  $<$<BOOL:${WC_WERROR}>:-Werror> -fno-builtin -O0)
target_link_libraries(stub_program PRIVATE wc_protocol stub_targets_1 stub_targets_2 ${CMAKE_DL_LIBS}
  Threads::Threads)
target_link_options(stub_program PRIVATE -Wl,--enable-new-dtags -Wl,--no-as-needed)
set_target_properties(stub_program PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${stub_folder} BUILD_WITH_INSTALL_RPATH ON
  INSTALL_RPATH "$ORIGIN;$ORIGIN/plugins")

add_dependencies(stub_writer_test stub_program stub_plugin wc_preload)
target_compile_definitions(stub_writer_test PRIVATE
  STUB_PROGRAM="$<TARGET_FILE:stub_program>" STUB_PLUGIN="$<TARGET_FILE_NAME:stub_plugin>"
  WC_SHIM="$<TARGET_FILE:wc_preload>" READELF="${CMAKE_READELF}")
