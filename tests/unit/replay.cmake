wc_unit_test(replay_test LINK wc_replay nlohmann_json::nlohmann_json)
