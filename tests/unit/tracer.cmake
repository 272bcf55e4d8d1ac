wc_unit_test(tracer_test LINK wc_engine nlohmann_json::nlohmann_json)
