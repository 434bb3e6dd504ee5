#!/usr/bin/env bash
# From a checkpoint of classification to an APK: converts it to an int8 bundle for ONNX Runtime, builds the app around
# it, reads the bundle back out of the APK, and lets Python and the APK's own dex answer with it.
#
#   convert_and_build.sh [CHECKPOINT [FOLDER [OPTION…]]]
#
# CHECKPOINT: the shipped student if not given. FOLDER: where bundle and APK go; build/demo if not given. OPTION: of
# `build.sh apk`. Makes the repository's .venv if it is not there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkpoint=$(realpath "${1:-$here/../models/film-sentiment}")
folder=$(realpath -m "${2:-$here/build/demo}")
source "$here/../scripts/environment"
mkdir -p "$folder"

echo "== Convert"
.venv/bin/edgebert convert "$checkpoint" --output "$folder/model.edgebert" --formats onnx --recipe int8_dynamic --force
echo
echo "== Build"
"$here/build.sh" apk --bundle "$folder/model.edgebert" --output "$folder" "${@:3}"
echo
echo "== Answers of the bundle read back out of the APK, by its dex and by Python"
for apk in "$folder"/*.apk; do
    .venv/bin/python "$here/tools/compare_answers.py" "$apk" \
        "A quiet, generous film with a wonderful last half hour." \
        "Two hours of noise, and not one idea." \
        "Ein Film über ÉCLAIRS, 電影 and \$9.99 tickets" \
        ""
done
