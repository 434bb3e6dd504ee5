#!/usr/bin/env bash
# Makes FOLDER hold native libraries with which the classes of ONNX Runtime for Android run on this machine's JVM:
# host_natives.sh JNI_LIBRARY_OF_X86_64 LIBONNXRUNTIME_OF_LINUX FOLDER
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "the host's natives need x86-64, not $(uname -m)" >&2; exit 69; }
folder=$3
jni=$folder/libonnxruntime4j_jni.so
mkdir -p "$folder"
python3 "$(dirname "$0")/unversioned_symbols.py" "$1" "$jni"
cp "$2" "$folder/libonnxruntime.so"
ln -sf libonnxruntime.so "$folder/libonnxruntime.so.1"
# NNAPI is part of Android alone, and the JNI library names it.
echo 'void *OrtSessionOptionsAppendExecutionProvider_Nnapi(void *options, unsigned flags) { return options; }' |
    gcc -shared -fPIC -x c -Wl,-soname,libnnapi.so -o "$folder/libnnapi.so" -
# One library a call: patchelf 0.14.3 mixes up several in one.
patchelf --replace-needed libc.so libc.so.6 "$jni"
patchelf --replace-needed libm.so libnnapi.so "$jni"
patchelf --replace-needed libdl.so libdl.so.2 "$jni"
patchelf --replace-needed libonnxruntime.so libonnxruntime.so.1 "$jni"
# shellcheck disable=SC2016
patchelf --set-rpath '$ORIGIN' "$jni"
