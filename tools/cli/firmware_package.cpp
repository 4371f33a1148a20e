// SPDX-License-Identifier: Apache-2.0
#include "cli/firmware_package.hpp"

#include <cstdio>

#include "cli/options.hpp"

namespace qnnx::cli {

std::string package_file(const target_info& target, const std::string& name, const std::string& library) {
  std::string processor;  // what decides the binary interface
  for (const std::string& f : target.flags)
    if (f.starts_with("-m") || f.starts_with("--target")) processor += (processor.empty() ? "" : ";") + f;
  const std::string imported = "qnnx::" + name;
  return "# The model '" + name + "' for " + target.name + ", written by qnnx-model-lib-generator. find_package(" + name + " CONFIG), or include() this file;\n"
         "# then target_link_libraries(app PRIVATE " + imported + "). The compiler is the project's toolchain.\n"
         "if(NOT TARGET " + imported + ")\n"
         "  add_library(" + imported + " STATIC IMPORTED GLOBAL)\n"
         "  set_target_properties(" + imported + " PROPERTIES\n"
         "    IMPORTED_LOCATION \"${CMAKE_CURRENT_LIST_DIR}/" + library + "\"\n"
         "    INTERFACE_INCLUDE_DIRECTORIES \"${CMAKE_CURRENT_LIST_DIR}\"\n"
         "    INTERFACE_COMPILE_OPTIONS \"" + processor + "\"\n"
         "    INTERFACE_LINK_OPTIONS \"" + processor + (processor.empty() ? "" : ";") + "-Wl,--gc-sections\")\n"
         "endif()\n";
}

std::string firmware_sizes::parts() const {
  return "code " + std::to_string(code) + ", tables " + std::to_string(tables) + ", weights " + std::to_string(weights);
}

std::string size_file(const target_info& target, const std::string& name, const firmware_sizes& n, const std::string& bounds, const std::string& symbols) {
  std::string s = name + " for " + target.name + ": bytes that a program that only runs the model carries of the archive\n\n";
  char line[64];
  const auto row = [&](const char* what, std::int64_t bytes) {
    std::snprintf(line, sizeof line, "%8lld  %s\n", static_cast<long long>(bytes), what);
    s += line;
  };
  row("flash", n.flash());
  row("  code", n.code);
  row("  tables", n.tables);
  row("  weights", n.weights);
  row("RAM: arena", n.arena);
  row("RAM: other variables", n.other_ram);
  if (!bounds.empty()) s += bounds + "\n";
  if (symbols.empty()) return s;
  s += "\n   bytes  kind (t, T: code; r, R: constant)  name\n";
  for (const std::string& listed : split(symbols, '\n')) {
    long long at = 0, bytes = 0;
    char kind = 0;
    int read = 0;
    if (std::sscanf(listed.c_str(), "%lld %lld %c %n", &at, &bytes, &kind, &read) != 3 || read == 0 || bytes == 0) continue;
    std::string symbol = listed.substr(static_cast<std::size_t>(read));
    if (symbol.size() > 160) symbol = symbol.substr(0, 157) + "...";
    std::snprintf(line, sizeof line, "%8lld  %c  ", bytes, kind);
    s += line + symbol + "\n";
  }
  return s;
}

}  // namespace qnnx::cli
