# SPDX-License-Identifier: Apache-2.0
# Sourced by examples/quickstart/run.sh and test/run.sh: installs the Debian packages that are missing.
# need_packages PACKAGE...: installs what dpkg does not know as installed; root or sudo. Returns non-zero with a line
# when that is not possible.
need_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing packages: ${missing[*]}; install them as root" >&2; return 1; }
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >/dev/null || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || {
    echo "could not install: ${missing[*]}" >&2
    return 1
  }
}

qnnx_build_packages=(g++ cmake ninja-build ccache libboost1.81-dev libsimdjson-dev python3)
qnnx_test_packages=(make clang-14 libclang-rt-14-dev doctest-dev libonnx-testdata)
qnnx_cross_packages=(gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm g++-aarch64-linux-gnu qemu-user)
qnnx_all_targets_packages=(gcc-riscv64-unknown-elf lld-14 llvm-14 qemu-user nodejs)
