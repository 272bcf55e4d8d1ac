// Text as the content or an attribute of XML and HTML.
#pragma once

#include <string>
#include <string_view>

namespace wc {

// &, <, > and " by their names; a blank for what is no character in XML.
inline std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
  }
  return out;
}

}  // namespace wc
