#include "names/function_name.h"

#include <algorithm>

namespace wc {
namespace {

constexpr std::string_view kOperator = "operator";

// Longest first.
constexpr std::string_view kSigns[] = {
    "<=>", "<<=", ">>=", "->*", "()", "[]", "->", "<<", ">>", "<=", ">=", "==", "!=",
    "&&",  "||",  "++",  "--",  "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<",
    ">",   "+",   "-",   "*",   "/",  "%",  "^",  "&",  "|",  "~",  "!",  "=",  ","};

// First words of what compilers append to the names of copies and parts.
constexpr std::string_view kSuffixes[] = {"cold",       "constprop", "default", "isra",    "llvm",
                                          "localalias", "lto_priv",  "part",    "resolver"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

bool opens(char c) { return c == '(' || c == '<' || c == '[' || c == '{'; }
bool closes(char c) { return c == ')' || c == '>' || c == ']' || c == '}'; }

bool stands_at(std::string_view name, size_t at, std::string_view text) {
  return name.compare(at, text.size(), text) == 0;
}

bool is_operator(std::string_view name, size_t at) {
  if (name[at] != 'o' || !stands_at(name, at, kOperator)) return false;
  size_t end = at + kOperator.size();
  return (at == 0 || !is_word(name[at - 1])) && (end == name.size() || !is_word(name[end]));
}

// Behind the operator at `at`; 0 when there is none, or none with a sign ("operator new").
size_t sign_end(std::string_view name, size_t at) {
  if (!is_operator(name, at)) return 0;
  size_t end = at + kOperator.size();
  for (std::string_view sign : kSigns)
    if (stands_at(name, end, sign)) return end + sign.size();
  return 0;
}

// " const::{lambda()#1}": what the name's scope, a method, has behind its parameters.
bool is_scopes_qualifier(std::string_view rest) {
  for (std::string_view word : {" const", " volatile", " &", "&"})
    if (rest.starts_with(word)) rest.remove_prefix(word.size());
  return rest.starts_with("::");
}

// "int ns::f<int>" has its result before its name.
std::string_view behind_result(std::string_view text) {
  size_t name = 0;
  for (size_t i = 0; i < text.size(); i = next_in_name(text, i)) {
    if (is_operator(text, i)) break;  // "operator unsigned long"
    if (text[i] == ' ' && !is_scopes_qualifier(text.substr(i))) name = i + 1;
  }
  return text.substr(name);
}

std::string without_tags(std::string_view text) {
  std::string out(text);
  for (size_t at; (at = out.find("[abi:")) != out.npos;) {
    size_t end = out.find(']', at);
    out.erase(at, end == out.npos ? end : end + 1 - at);
  }
  return out;
}

struct Group {
  size_t begin = 0, end = 0;
};

// "Box<int>::get" is "Box::get"; Rust's "f::<u32>", Go's "Map[int]", D's "map!(int)" likewise.
// Rust's "<T as Trait>" is no argument of anything.
std::string without_arguments(std::string_view name) {
  std::string out;
  for (size_t i = 0, end; i < name.size(); i = end) {
    end = next_in_name(name, i);
    bool is_d = stands_at(name, i, "!(");
    bool is_group = end > i + 1 && (name[i] == '<' || name[i] == '[');
    if (is_d) end = next_in_name(name, i + 1);
    if (out.empty() || (!is_d && !is_group)) {
      out.append(name, i, end - i);
      continue;
    }
    if (out.ends_with("::")) out.resize(out.size() - 2);
    if (out.ends_with(' ')) out.pop_back();  // "operator< <int>"
  }
  return out;
}

// "<Type as Trait>::f" and "<Type>::f".
void add_qualified(std::string_view name, std::vector<std::string>& out) {
  if (!name.starts_with('<')) return;
  size_t end = next_in_name(name, 0);
  std::string_view inner = name.substr(1, end - 2);
  std::string rest = without_arguments(name.substr(end));
  for (size_t i = 0; i < inner.size(); i = next_in_name(inner, i)) {
    if (!stands_at(inner, i, " as ")) continue;
    std::string type = without_arguments(inner.substr(0, i));
    std::string trait = without_arguments(inner.substr(i + 4));
    out.push_back('<' + type + " as " + trait + '>' + rest);
    out.push_back(type + rest);
    out.push_back(trait + rest);
    return;
  }
  out.push_back(without_arguments(inner) + rest);
}

// "main.(*T).Do" is "main.T.Do".
std::string without_receiver(std::string_view name) {
  std::string out;
  for (size_t i = 0, end; i < name.size(); i = end) {
    end = next_in_name(name, i);
    bool is_receiver = stands_at(name, i, "(*") && i > 0 && name[i - 1] == '.';
    out += is_receiver ? name.substr(i + 2, end - i - 3) : name.substr(i, end - i);
  }
  return out;
}

bool is_suffix(std::string_view rest) {
  std::string_view word = rest.substr(0, rest.find('.'));
  return word.empty() || (word[0] >= '0' && word[0] <= '9') ||
         std::find(std::begin(kSuffixes), std::end(kSuffixes), word) != std::end(kSuffixes);
}

// "const char*" is "char const*", where a parameter or an argument begins.
void put_const_behind(std::string& name) {
  constexpr std::string_view kConst = "const ";
  for (size_t i = 1; i < name.size(); i++) {
    if (!stands_at(name, i, kConst) ||
        std::string_view("(,<").find(name[i - 1]) == std::string::npos)
      continue;
    size_t end = i + kConst.size();
    while (end < name.size() && std::string_view("*&,)>").find(name[end]) == std::string::npos)
      end = next_in_name(name, end);
    name.insert(end, is_word(name[end - 1]) ? " const" : "const");
    name.erase(i, kConst.size());
  }
}

}  // namespace

size_t next_in_name(std::string_view name, size_t at) {
  size_t depth = 0;
  for (size_t i = at; i < name.size();) {
    if (size_t end = sign_end(name, i); end != 0) {
      i = end;
    } else if (stands_at(name, i, "->")) {
      i += 2;
    } else {
      char c = name[i++];
      if (opens(c)) depth++;
      if (closes(c) && depth > 0) depth--;
    }
    if (depth == 0) return i;
  }
  return name.size();
}

FunctionName split_name(std::string_view demangled) {
  if (demangled.find('(') == demangled.npos) return {std::string(demangled), {}};
  Group before, last;  // the last two in round brackets
  for (size_t i = 0, end; i < demangled.size(); i = end) {
    end = next_in_name(demangled, i);
    if (demangled[i] != '(' || demangled[end - 1] != ')') continue;
    before = last;
    last = {i, end};
  }
  // Go's "(*T).Do" and "(anonymous namespace)::f" have a bracket that is a part of the name.
  std::string_view rest = demangled.substr(last.end);
  bool has_parameters = last.end != 0 && (rest.empty() || rest.find_first_of(" &[") == 0);
  if (!has_parameters) return {std::string(demangled), {}};
  // "void (*f<int>(int))(char)" returns a pointer to a function.
  std::string_view inner = demangled.substr(before.begin, before.end - before.begin);
  size_t star = inner.find_first_of("*&");
  if (before.end == last.begin && before.end != 0 && star != inner.npos)
    return split_name(inner.substr(star + 1, inner.size() - star - 2));
  return {without_tags(behind_result(demangled.substr(0, last.begin))),
          std::string(demangled.substr(last.begin, last.end - last.begin))};
}

std::vector<std::string> spellings(std::string_view plain) {
  std::vector<std::string> out{std::string(plain)};
  auto add = [&](std::string text) {
    if (text != plain && !text.empty()) out.push_back(std::move(text));
  };
  if (plain.find_first_of("<[!") != plain.npos) add(without_arguments(plain));
  if (plain.find(".(*") != plain.npos) add(without_receiver(plain));
  add_qualified(plain, out);
  return out;
}

std::string_view behind_scope(std::string_view name) {
  for (size_t i = 0; i < name.size(); i = next_in_name(name, i)) {
    std::string_view rest = name.substr(i + 1);
    if (name[i] == ':' && rest.starts_with(':')) return rest.substr(1);
    if (i > 0 && name[i] == '/') return rest;
    if (i > 0 && name[i] == '.' && !is_suffix(rest)) return rest;
  }
  return {};
}

std::string tight_name(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); i++) {
    if (name[i] != ' ') {
      out += name[i];
      continue;
    }
    size_t next = name.find_first_not_of(' ', i);
    if (next == name.npos || out.empty()) continue;
    if (is_word(out.back()) && is_word(name[next])) out += ' ';
    i = next - 1;
  }
  put_const_behind(out);
  return out;
}

}  // namespace wc
