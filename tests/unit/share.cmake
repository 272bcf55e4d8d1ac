wc_unit_test(share_test LINK wc_rings)
