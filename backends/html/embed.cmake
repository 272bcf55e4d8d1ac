# Puts the style and the scripts into report.html, and that into a C++ file. A literal of a compiler
# has a limit, so there is one for each line.
file(READ ${FROM}/report.html page)
foreach(name report.css data.js charts.js tables.js)
  file(READ ${FROM}/${name} part)
  string(REPLACE "@${name}@" "${part}" page "${page}")
endforeach()
string(REPLACE "\n" ")page\"\n\"\\n\" R\"page(" page "${page}")
file(WRITE ${TO} "#include \"html_page.h\"\n\nnamespace wc::backends {\n\nstd::string_view html_page() {\n  return R\"page(${page})page\";\n}\n\n}  // namespace wc::backends\n")
