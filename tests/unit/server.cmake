wc_unit_test(server_test SOURCES server_attach_test.cpp LINK wc_session)
