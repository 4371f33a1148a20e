// SPDX-License-Identifier: Apache-2.0
// qnnx-dlc-info: what a DLC holds. Exit codes: docs/reference/drivers.md.
#include <cstdio>

#include "cli/dlc_report.hpp"
#include "cli/options.hpp"
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/file.hpp"

using namespace qnnx;

int main(int argc, char** argv) {
  return cli::guarded("qnnx-dlc-info", 2, [&] {
    cli::command c("qnnx-dlc-info", "Prints layers, encodings, totals and the memory plan of a DLC.");
    c.value("-i, --input_dlc", "FILE", "The container.").required();
    c.value("-s, --save", "CSV", "Write the layers as CSV.");
    c.value("--json", "FILE", "Write everything as JSON.");
    c.refused("-m, --display_memory", "the memory plan is always printed");
    c.refused("-d, --display_all_encodings", "the encodings are always printed; all scales are in --json");
    if (!c.parse(argc, argv)) return 0;
    const std::string path = c.text("--input_dlc");
    const net n = read_dlc(path);
    const cli::dlc_report report(n);
    if (c.given("--save")) write_text(c.text("--save"), report.csv());
    if (c.given("--json")) write_text(c.text("--json"), report.json());
    std::fputs(report.text(path).c_str(), stdout);
    return 0;
  });
}
