wc_unit_test(top_text_test LINK wc_top)
wc_unit_test(top_model_test LINK wc_top)
wc_unit_test(top_view_test LINK wc_top)
