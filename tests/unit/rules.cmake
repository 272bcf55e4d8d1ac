wc_unit_test(rules_test LINK wc_rules)
