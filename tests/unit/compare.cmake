wc_unit_test(compare_rows_test LINK wc_compare)
wc_unit_test(compare_trace_test LINK wc_compare)
wc_unit_test(compare_report_test LINK wc_compare)
