wc_unit_test(explore_points_test LINK wc_explore)
wc_unit_test(explore_errors_test LINK wc_explore)
wc_unit_test(explore_report_test LINK wc_explore nlohmann_json::nlohmann_json)
wc_unit_test(explore_pool_test LINK wc_explore)
