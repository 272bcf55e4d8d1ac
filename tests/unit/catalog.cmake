wc_unit_test(catalog_test LINK wc_catalog ${CMAKE_DL_LIBS})
wc_unit_test(selection_test LINK wc_catalog)
