// The values of single options, checked and written into Options (apply.cpp has the rest).
#pragma once

#include "config/settings.h"

namespace wc::config {

Status set_signals(const Setting& setting, Options& options);
Status set_statuses(const Setting& setting, Options& options);
Status set_quiet(const Setting& setting, Options& options);
Status set_clock_format(const Setting& setting, Options& options);
Status set_relative_time(const Setting& setting, Options& options);
Status set_microseconds(const Setting& setting, bool& flag);
Status set_descriptors(const Setting& setting, Options& options);
Status add_pids(const Setting& setting, Options& options);

}  // namespace wc::config
