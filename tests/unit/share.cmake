wc_unit_test(share_test LINK wc_rings)
wc_unit_test(slot_view_test LINK wc_rings)
