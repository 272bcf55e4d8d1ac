wc_unit_test(exec_stack_test LINK wc_program)
add_executable(exec_stack_program fixtures/exec_stack_program.c)
target_compile_options(exec_stack_program PRIVATE -Wall -Wextra)
target_link_libraries(exec_stack_program PRIVATE wc_protocol)
# Something harmless to preload.
add_library(exec_stack_preload MODULE fixtures/elf_program.c)
target_compile_definitions(exec_stack_preload PRIVATE FIXTURE_INNER)
add_dependencies(exec_stack_test exec_stack_program exec_stack_preload)
target_compile_definitions(exec_stack_test PRIVATE
  EXEC_STACK_PROGRAM="$<TARGET_FILE:exec_stack_program>"
  EXEC_STACK_PRELOAD="$<TARGET_FILE:exec_stack_preload>")
