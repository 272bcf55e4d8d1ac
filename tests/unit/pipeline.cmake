wc_unit_test(pipeline_test SOURCES pipeline_hostile_test.cpp LINK wc_events
             nlohmann_json::nlohmann_json)
# The recording backends of backends.cmake: one that wants nothing, one that wants all calls.
foreach(fixture fixture_recorder fixture_all_calls fixture_enter)
  add_dependencies(pipeline_test ${fixture})
  target_compile_definitions(pipeline_test PRIVATE PATH_${fixture}="$<TARGET_FILE:${fixture}>")
endforeach()
