wc_unit_test(backend_text_test LINK wc_backends)
wc_unit_test(backend_text_random_test LINK wc_backends)
wc_unit_test(backend_json_test LINK wc_backends nlohmann_json::nlohmann_json)
wc_unit_test(backend_summary_test LINK wc_backends nlohmann_json::nlohmann_json)

# Shared objects as a user might make them: one that records what it is called with, and some
# that must be refused.
function(wc_backend_fixture name)
  add_library(${name} MODULE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/fixtures/backend_fixture.c)
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_compile_definitions(${name} PRIVATE ${ARGN})
  target_link_libraries(${name} PRIVATE wc_backend_abi wc_flags)
  target_compile_definitions(backend_set_test PRIVATE PATH_${name}="$<TARGET_FILE:${name}>")
  add_dependencies(backend_set_test ${name})
endfunction()

wc_unit_test(backend_set_test LINK wc_backend_host)
wc_backend_fixture(fixture_recorder FIXTURE_OPTIONS="mark fail")
wc_backend_fixture(fixture_all_calls FIXTURE_WANTS=WC_WANT_ALL_CALLS|WC_WANT_TEXT)
wc_backend_fixture(fixture_enter FIXTURE_WANTS=WC_WANT_ENTER)
wc_backend_fixture(fixture_verdicts FIXTURE_WANTS=WC_WANT_VERDICTS)
wc_backend_fixture(fixture_future_want FIXTURE_WANTS=1u<<30)
wc_backend_fixture(fixture_future_abi FIXTURE_ABI=WC_BACKEND_ABI+1)
wc_backend_fixture(fixture_older_table
                   FIXTURE_SIZE=offsetof\(struct\ wc_backend,syscall_exit\))
wc_backend_fixture(fixture_no_table FIXTURE_SIZE=8)
wc_backend_fixture(fixture_no_symbol FIXTURE_NO_SYMBOL)
wc_backend_fixture(fixture_crashes FIXTURE_OPTIONS="in how" FIXTURE_CRASHES
                   FIXTURE_WANTS=WC_WANT_ENTER|WC_WANT_COUNTS)
add_library(fixture_throws MODULE ${CMAKE_CURRENT_LIST_DIR}/fixtures/backend_throws.cpp)
set_target_properties(fixture_throws PROPERTIES PREFIX "")
target_link_libraries(fixture_throws PRIVATE wc_backend_abi wc_flags)
target_compile_definitions(backend_set_test PRIVATE PATH_fixture_throws="$<TARGET_FILE:fixture_throws>")
add_dependencies(backend_set_test fixture_throws)
target_compile_definitions(backend_set_test
                           PRIVATE PATH_sample_backend="$<TARGET_FILE:sample_backend>")
add_dependencies(backend_set_test sample_backend)
wc_unit_test(backend_stack_test LINK wc_backends)
