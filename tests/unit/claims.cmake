wc_unit_test(claims_test LINK wc_claims)
