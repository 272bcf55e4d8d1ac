wc_unit_test(program_tables_test SOURCES unwrapped_test.cpp LINK wc_program)
add_dependencies(program_tables_test stub_targets_1)
target_compile_definitions(program_tables_test PRIVATE
  STUB_TARGETS="$<TARGET_FILE:stub_targets_1>" STUB_TARGETS_NAME="$<TARGET_FILE_NAME:stub_targets_1>")
