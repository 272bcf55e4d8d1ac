// The page of backend "html", which the build makes of the files in html/.
#pragma once

#include <string_view>

namespace wc::backends {

// In its place the data stand, as JSON.
inline constexpr std::string_view kHtmlData = "@DATA@";

std::string_view html_page();

}  // namespace wc::backends
