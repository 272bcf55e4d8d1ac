wc_unit_test(plan_run_test LINK wc_launch)
