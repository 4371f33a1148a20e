# SPDX-License-Identifier: Apache-2.0
# Converted models on Cortex-M in QEMU give the host's bytes: the bundled network always, the MLPerf Tiny networks where
# ../shared is there. On Cortex-M4 within 0.55 of the instructions that TFLM with CMSIS-NN needs (QEMU counts them: they
# repeat), KWS on every core.
set(cortex_m ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/cortex_m.py --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR})
set(tiny ${PROJECT_SOURCE_DIR}/../shared/data/mlcommons+tiny/benchmark/training)
set(firmware ${PROJECT_BINARY_DIR}/firmware)
# Bits of activations, of weights, cores, least accuracy; ON: in two banks of memory too.
function(digits_test name act weights cpus accuracy)
  add_test(NAME firmware.${name} COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DBIN=${qnnx_bin} -DWORK=${firmware}
    -DACT=${act} -DWEIGHTS=${weights} -DCPUS=${cpus} -DACCURACY=${accuracy} -DBANKS=${ARGN}
    -P ${PROJECT_SOURCE_DIR}/cmake/firmware_digits.cmake)
endfunction()
digits_test(digits_m4 8 8 "cortex-m4" 0.97 ON)
digits_test(digits_s16 16 8 "cortex-m4 cortex-m55" 0.97)
digits_test(digits_s4 8 4 "cortex-m4 cortex-m55" 0.97)
add_test(NAME firmware.kws_m4 COMMAND ${cortex_m} --work ${firmware}/kws_m4 --code 16384 --arena 8800 --optimize 2 --instructions 4.235e6
  --model ${tiny}/keyword_spotting/trained_models/kws_ref_model.tflite)
add_test(NAME firmware.vww_m4 COMMAND ${cortex_m} --work ${firmware}/vww_m4 --code 20480 --arena 38400 --optimize 2 --instructions 13.255e6
  --model ${tiny}/visual_wake_words/trained_models/vww_96_int8.tflite)
add_test(NAME firmware.ic_m4 COMMAND ${cortex_m} --work ${firmware}/ic_m4 --code 20480 --arena 34688 --optimize 2 --instructions 16.428e6
  --model ${tiny}/image_classification/trained_models/pretrainedResnet_quant.tflite)
add_test(NAME firmware.ad_m4 COMMAND ${cortex_m} --work ${firmware}/ad_m4 --code 6144 --arena 768 --optimize 2 --instructions 0.3206e6
  --model ${tiny}/anomaly_detection/trained_models/ad01_int8.tflite)
add_test(NAME firmware.kws_m4_small COMMAND ${cortex_m} --work ${firmware}/kws_m4_small --code 8192 --arena 8800
  --model ${tiny}/keyword_spotting/trained_models/kws_ref_model.tflite)
add_test(NAME firmware.kws_cores COMMAND ${cortex_m} --work ${firmware}/kws_cores
  --cpu cortex-m0plus cortex-m3 cortex-m7 cortex-m33 cortex-m55 cortex-m85
  --model ${tiny}/keyword_spotting/trained_models/kws_ref_model.tflite)
# Budgets that only bands of rows meet, and 4096 bytes, which even these do not.
add_test(NAME firmware.vww_streamed COMMAND ${cortex_m} --work ${firmware}/vww_streamed --ram_budget 29000 --arena 29000 --optimize 2 --instructions 13.255e6
  --model ${tiny}/visual_wake_words/trained_models/vww_96_int8.tflite)
add_test(NAME firmware.ic_streamed COMMAND ${cortex_m} --work ${firmware}/ic_streamed --cpu cortex-m4 cortex-m55 --ram_budget 24000 --arena 24000 --optimize 2
  --instructions 16.428e6 --model ${tiny}/image_classification/trained_models/pretrainedResnet_quant.tflite)
set_tests_properties(firmware.vww_streamed firmware.ic_streamed firmware.digits_m4 firmware.digits_s16 firmware.digits_s4 firmware.kws_m4 firmware.kws_m4_small firmware.vww_m4 firmware.ic_m4 firmware.ad_m4 firmware.kws_cores PROPERTIES
  SKIP_RETURN_CODE 77 LABELS once TIMEOUT 1800 SKIP_REGULAR_EXPRESSION "skipped:")
# One table of checksums over every processor whose tools are installed (test/run.sh --all-targets installs them).
add_test(NAME firmware.checksums COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/checksums.py
  --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${firmware}/checksums)
add_test(NAME firmware.checksums_widths COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/checksums.py
  --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${firmware}/checksums_widths --types "kws s16" "ic s4")
add_test(NAME firmware.checksums_bundled COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/checksums.py
  --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${firmware}/checksums_bundled --bundled
  --targets "interpreter.*,aarch64-linux-gnu neon,cortex-m0plus,cortex-m4,cortex-m55,riscv64,hexagon-v67.*,wasm32")
set_tests_properties(firmware.checksums firmware.checksums_widths firmware.checksums_bundled PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 2700)
# The files of each target's archive in a C and a C++ program of another project; runs in interrupts.
add_test(NAME firmware.archives COMMAND ${CMAKE_COMMAND} -E env python3 ${PROJECT_SOURCE_DIR}/test/firmware/archives.py
  --bin ${qnnx_bin} --source ${PROJECT_SOURCE_DIR} --work ${firmware}/archives)
set_tests_properties(firmware.archives PROPERTIES SKIP_RETURN_CODE 77 LABELS once TIMEOUT 1800)
