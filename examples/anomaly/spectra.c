/* SPDX-License-Identifier: Apache-2.0 */
/* The board's spectra on a host: spectra FOLDER FIRST_SEED COUNT BANDS writes good_<seed> and broken_<seed>, as .u8
   (levels) and .raw (float32 decibels, what the converter's --input_list takes). */
#include <stdio.h>
#include <stdlib.h>

#include "spectrum.h"

static int save(const char* path, const void* data, size_t bytes) {
  FILE* file = fopen(path, "wb");
  const int good = file && fwrite(data, 1, bytes, file) == bytes;
  if (file) fclose(file);
  if (!good) fprintf(stderr, "spectra: cannot write '%s': does the folder exist?\n", path);
  return good;
}

int main(int count, char** words) {
  const int bands = count == 5 ? atoi(words[4]) : 0;
  if (bands < 1 || bands > 4096) {
    fprintf(stderr, "usage: spectra FOLDER FIRST_SEED COUNT BANDS (1 to 4096)\n");
    return 2;
  }
  for (int seed = atoi(words[2]); seed < atoi(words[2]) + atoi(words[3]); ++seed)
    for (int broken = 0; broken < 2; ++broken) {
      uint8_t level[4096];
      float decibels[4096];
      char path[1024];
      spectrum_make((uint32_t)seed, broken, level, bands);
      for (int n = 0; n < bands; ++n) decibels[n] = (float)level[n] / 2 - 85;
      snprintf(path, sizeof path, "%s/%s_%d.u8", words[1], broken ? "broken" : "good", seed);
      if (!save(path, level, (size_t)bands)) return 1;
      snprintf(path, sizeof path, "%s/%s_%d.raw", words[1], broken ? "broken" : "good", seed);
      if (!save(path, decibels, (size_t)bands * sizeof *decibels)) return 1;
    }
  return 0;
}
