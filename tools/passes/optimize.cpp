// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

void optimize(net& n, const optimize_options& o) {
  sort_nodes(n);
  const auto did = [&](std::string_view pass, int count) {
    if (count > 0 && o.log) o.log(pass, count);
    return count;
  };
  for (int round = 0; round < 16; ++round) {  // each round removes a node or ends
    int changes = 0;
    changes += did("fold constants", fold_constants(n, o.most_growth));
    changes += did("remove dead nodes", remove_dead(n));
    changes += did("simplify", simplify(n));
    changes += did("fold pads", fold_pads(n));
    if (o.fold_batchnorm) changes += did("fold batch norms", fold_batchnorms(n));
    if (o.squash_relu) changes += did("fuse activations", fuse_activations(n));
    if (o.fuse_residual) changes += did("fuse residuals", fuse_residuals(n));
    if (changes == 0) break;
  }
  sort_nodes(n);
  compact(n);
}

}  // namespace qnnx::inline QNNX_ABI::passes
