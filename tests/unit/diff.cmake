wc_unit_test(diff_test LINK wc_diff)
