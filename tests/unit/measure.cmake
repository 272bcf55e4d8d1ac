wc_unit_test(measure_statistics_test LINK wc_measure)
wc_unit_test(measure_run_test LINK wc_measure)
wc_unit_test(measure_json_test LINK wc_measure nlohmann_json::nlohmann_json)
