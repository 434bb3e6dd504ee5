#!/usr/bin/env bash
# Builds and tests without Gradle and without an Android SDK, from packages that tools/fetch.sh brings.
#
#   build.sh fetch                    the toolchain, into .tools
#   build.sh compile                  the library, the app and the tests
#   build.sh vectors                  what Python answers, into .vectors, for the tests; minutes
#   build.sh test [CLASS…]            their tests on this machine's JVM; all, or those of the classes named
#   build.sh run CLASS [ARGUMENT…]    the main of a class among the app's tests, likewise, in the caller's folder
#   build.sh check                    the style of Kotlin sources, and the stubs against the Android API
#   build.sh format [FILE…]           the style of Kotlin sources mended, where that can be done by itself
#   build.sh apk --bundle BUNDLE --output FOLDER [--abi ABI]…
#                                     a signed APK for each ABI (default: arm64-v8a) with BUNDLE, a .edgebert file
#   build.sh answers APK TEXT…        label and score of each text, by the APK's own dex on this machine's JVM
#
# An APK is signed with the key store in $EDGEBERT_KEYSTORE (alias $EDGEBERT_KEY_ALIAS, passwords in
# $EDGEBERT_KEYSTORE_PASSWORD and $EDGEBERT_KEY_PASSWORD), or with debug.keystore, which the first build makes.
# What is built lies in $EDGEBERT_ANDROID_BUILD, or in build.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
tools=$PWD/.tools
out=${EDGEBERT_ANDROID_BUILD:-$PWD/build}
library=$PWD/edgebert-android
app=$PWD/app
vectors=$PWD/.vectors
kotlin=$tools/kotlin/kotlin-stdlib.jar
gson=/usr/share/java/gson.jar
libraries=$tools/onnxruntime/classes.jar:$gson:$kotlin
junit=/usr/share/java/junit4.jar:/usr/share/java/hamcrest-core.jar

# unless_done NAME "STEP…" COMMAND FILE…: runs COMMAND FILE… unless it was done last with these very files, and
# STEPs before it with theirs.
unless_done() {
    local stamp=$out/$1.stamp before=() now
    [ $# -gt 3 ] || return 0
    for step in $2; do [ ! -e "$out/$step.stamp" ] || before+=("$out/$step.stamp"); done
    now=$(sha256sum "$tools/stamp" build.sh "${before[@]}" "${@:4}" | sha256sum)
    [ "$(cat "$stamp" 2>/dev/null)" != "$now" ] || return 0
    rm -f "$stamp"
    echo "$1" >&2
    "$3" "${@:4}"
    echo "$now" >"$stamp"
}

# in_folder FOLDER PATTERN: its files of that name, sorted.
in_folder() {
    [ ! -d "$1" ] || find "$1" -name "$2" -type f | LC_ALL=C sort
}

# jvm OPTION…: java for programs that run for seconds, and for two at once on a small machine.
jvm() {
    java -Xmx2g -XX:+UseSerialGC -Dfile.encoding=UTF-8 "$@"
}

# kotlinc FOLDER OPTION… FILE…: classes in FOLDER, for Java 8, in the version of the language that Gradle compiles.
kotlinc() {
    local folder=$1
    shift
    rm -rf "$folder"
    mkdir -p "$folder"
    jvm -XX:TieredStopAtLevel=1 -cp "$tools/kotlin/*" \
        org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -no-jdk -jvm-target 1.8 \
        -language-version "$(version kotlin)" -Werror -d "$folder" "$@"
}

# version NAME: major and minor number, from the version catalog.
version() {
    sed -n "s/^$1 = \"\([0-9]*\.[0-9]*\).*/\1/p" gradle/libs.versions.toml
}

compile_stubs() {
    rm -rf "$out/stubs"
    mkdir -p "$out/stubs"
    javac --release 8 -Xlint:all,-options -Werror -d "$out/stubs" "$@"
}

compile_library() {
    kotlinc "$out/library" -module-name edgebert-android -Xexplicit-api=strict \
        -cp "$tools/java_api_24.jar:$libraries" "$@"
}

compile_library_tests() {
    kotlinc "$out/library-tests" -module-name edgebert-android-tests -Xfriend-paths="$out/library" \
        -cp "$out/library:$tools/java.jar:$libraries:$junit" "$@"
}

compile_resources() {
    rm -rf "$out/resources" "$out/r"
    mkdir -p "$out/resources" "$out/r"
    python3 tools/merged_manifest.py "$app/src/main/AndroidManifest.xml" "$out/resources/AndroidManifest.xml"
    "$tools/aapt2" compile --dir "$app/src/main/res" -o "$out/resources/compiled.zip"
    "$tools/aapt2" link -I "$tools/framework.apk" --manifest "$out/resources/AndroidManifest.xml" \
        --java "$out/resources/java" --proguard "$out/resources/keep.pro" \
        --compile-sdk-version-code 34 --compile-sdk-version-name 14 \
        -o "$out/resources/base.apk" "$out/resources/compiled.zip"
    find "$out/resources/java" -name '*.java' -exec javac --release 8 -Xlint:-options -d "$out/r" {} +
}

compile_app() {
    kotlinc "$out/app" -module-name app -cp "$out/library:$out/stubs:$out/r:$tools/java_api_24.jar:$libraries" "$@"
}

compile_app_tests() {
    kotlinc "$out/app-tests" -module-name app-tests -Xfriend-paths="$out/app" \
        -cp "$out/app:$out/library:$out/stubs:$out/r:$tools/java.jar:$libraries:$junit" "$@"
}

prepare() {
    tools/fetch.sh
    mkdir -p "$out"
    exec 9>"$out/lock"
    flock 9
}

build_library() {
    local sources
    mapfile -t sources < <(in_folder "$library/src/main/kotlin" '*.kt')
    unless_done library "" compile_library "${sources[@]}"
}

build_library_tests() {
    local tests
    mapfile -t tests < <(in_folder "$library/src/test/kotlin" '*.kt')
    unless_done library-tests "library" compile_library_tests "${tests[@]}"
}

build_stubs() {
    local stubs
    mapfile -t stubs < <(in_folder stubs '*.java')
    unless_done stubs "" compile_stubs "${stubs[@]}"
}

build_app() {
    local resources sources
    mapfile -t resources < <(in_folder "$app/src/main" '*.xml')
    mapfile -t sources < <(in_folder "$app/src/main/kotlin" '*.kt')
    build_library
    build_stubs
    unless_done resources "" compile_resources "${resources[@]}" tools/merged_manifest.py gradle/libs.versions.toml
    unless_done app "stubs library resources" compile_app "${sources[@]}"
}

build_app_tests() {
    local tests
    mapfile -t tests < <(in_folder "$app/src/test/kotlin" '*.kt')
    unless_done app-tests "app" compile_app_tests "${tests[@]}"
}

# run_tests MODULE FOLDER CLASSPATH CLASS…: the test classes in FOLDER, all or those named, in MODULE as by Gradle.
run_tests() {
    local classes=() name
    while read -r name; do
        name=${name#"$2/"}
        name=${name%.class}
        [ $# -gt 3 ] && [[ " ${*:4} " != *" ${name##*/} "* ]] || classes+=("${name//\//.}")
    done < <(in_folder "$2" '*Test.class')
    [ ${#classes[@]} -gt 0 ] || return 0
    (cd "$1" && jvm -Donnxruntime.native.path="$tools/host_natives" \
        -Dedgebert.vectors="${EDGEBERT_VECTORS:-$vectors}" -cp "$2:$3" org.junit.runner.JUnitCore "${classes[@]}")
    ran=yes
}

# make_vectors: with the repository's own environment, which this makes if it is not there.
make_vectors() {
    local script
    for script in answers hostile_bundles measurement tokenization; do
        echo "$script" >&2
        (source ../scripts/environment && .venv/bin/python "android_demo/vectors/$script.py" "$vectors")
    done
}

test_on_host() {
    local ran= failed=
    build_library
    build_library_tests
    run_tests "$library" "$out/library-tests" "$(library_classes):$library/src/test/resources:$junit" "$@" || failed=yes
    build_app
    build_app_tests
    run_tests "$app" "$out/app-tests" "$(app_classes):$junit" "$@" || failed=yes
    [ -n "$ran$failed" ] || { echo "no such test class: ${*:-any}" >&2; exit 1; }
    [ -z "$failed" ]
}

library_classes() {
    echo "$out/library:$library/src/main/resources:$libraries"
}

app_classes() {
    echo "$out/app:$out/r:$out/stubs:$(library_classes)"
}

# run_main CLASS ARGUMENT…: the main of a class of the app's tests, in the caller's folder.
run_main() {
    exec 9>&-
    cd "$caller"
    jvm -Donnxruntime.native.path="$tools/host_natives" -cp "$out/app-tests:$(app_classes):$junit" "$@"
}

# shrink RULES…: the dex of what the app reaches, in $out/dex.
shrink() {
    local rules=() folder classes=()
    for file in "$@" "$out/resources/keep.pro"; do rules+=(--pg-conf "$file"); done
    for folder in library app r; do mapfile -t -O ${#classes[@]} classes < <(in_folder "$out/$folder" '*.class'); done
    rm -rf "$out/dex" "$out/stubs.jar"
    mkdir -p "$out/dex"
    jar --create --file "$out/stubs.jar" -C "$out/stubs" .
    # One less than the app's minSdk: interfaces then have no methods with code, which enjarify cannot turn back.
    jvm -cp "$tools/r8.jar" com.android.tools.r8.R8 --release --min-api 23 \
        --lib "$tools/java.jar" --lib "$out/stubs.jar" --no-data-resources --output "$out/dex" "${rules[@]}" \
        "${classes[@]}" "$tools/onnxruntime/classes.jar" "$gson" "$kotlin" "$tools/kotlin/annotations-13.0.jar"
}

sign() {
    local store=${EDGEBERT_KEYSTORE:-$PWD/debug.keystore}
    if [ -z "${EDGEBERT_KEYSTORE:-}" ]; then
        export EDGEBERT_KEYSTORE_PASSWORD=android EDGEBERT_KEY_PASSWORD=android EDGEBERT_KEY_ALIAS=androiddebugkey
        [ -e "$store" ] || keytool -genkeypair -keystore "$store" -storepass android -keypass android \
            -alias androiddebugkey -keyalg RSA -keysize 2048 -validity 10000 -dname 'CN=Android Debug,O=Android,C=US' \
            2>/dev/null
    fi
    apksigner sign --ks "$store" --ks-key-alias "$EDGEBERT_KEY_ALIAS" --ks-pass env:EDGEBERT_KEYSTORE_PASSWORD \
        --key-pass env:EDGEBERT_KEY_PASSWORD --v1-signing-enabled false --v4-signing-enabled false --in "$1" --out "$2"
}

make_apk() {
    local bundle= output= abis=() apks=() abi
    while [ $# -gt 1 ]; do
        case $1 in
        --bundle) bundle=$2 ;;
        --output) output=$2 ;;
        --abi) abis+=("$2") ;;
        *) usage ;;
        esac
        shift 2
    done
    [ -n "$bundle" ] && [ -n "$output" ] || usage
    [[ $bundle = /* ]] || bundle=$caller/$bundle
    [[ $output = /* ]] || output=$caller/$output
    [ -f "$bundle" ] || { echo "$bundle is not a file" >&2; exit 1; }
    [ ${#abis[@]} -gt 0 ] || abis=(arm64-v8a)
    unless_done dex "stubs library resources app" shrink "$library/consumer-rules.pro" "$app/proguard-rules.pro"
    mkdir -p "$output" "$out/assets/assets"
    cp "$bundle" "$out/assets/assets/model.edgebert"
    for abi in "${abis[@]}"; do
        rm -rf "$out/native"
        mkdir -p "$out/native/lib"
        cp -r "$tools/onnxruntime/jni/$abi" "$out/native/lib/$abi"
        python3 tools/assemble_apk.py "$out/unsigned.apk" "$out/resources/base.apk" \
            "$out/dex" "$library/src/main/resources" "$out/assets" "$out/native"
        sign "$out/unsigned.apk" "$output/edgebert-demo-$abi.apk"
        apks+=("$output/edgebert-demo-$abi.apk")
    done
    python3 tools/check_apk.py --bundle "$bundle" --kept "$tools/onnxruntime/classes.jar" "${apks[@]}"
}

ktlint() {
    jvm -jar "$tools/ktlint.jar" --log-level=error --relative "$@"
}

check() {
    ktlint '**/*.kt' '**/*.kts' '!build/**' '!.tools/**'
    python3 tools/check_stubs.py "$tools/android_api_36.whl" "$out/stubs"
}

format() {
    [ $# -gt 0 ] || set -- '**/*.kt' '**/*.kts' '!build/**' '!.tools/**'
    ktlint --format "$@"
}

# answers APK TEXT…: label and score of each, by the APK's own dex turned back into classes.
answers() {
    local apk=$1
    shift
    [[ $apk = /* ]] || apk=$caller/$apk
    # Debian's own Python has the module that Debian's enjarify is.
    PYTHON=/usr/bin/python3 enjarify --force --output "$out/apk.jar" "$apk" >"$out/enjarify.log" ||
        { cat "$out/enjarify.log" >&2; exit 1; }
    jvm -Dsun.stdout.encoding=UTF-8 -Donnxruntime.native.path="$tools/host_natives" -cp "$out/apk.jar:$apk:$out/stubs" \
        tools/DexAnswers.java "$@"
}

usage() {
    sed -n '2,/^set/p' build.sh | sed -n 's/^# \{0,1\}//p' >&2
    exit 2
}

case ${1:-} in
fetch) tools/fetch.sh ;;
vectors) make_vectors ;;
compile) prepare; build_library; build_library_tests; build_app; build_app_tests ;;
test) prepare; test_on_host "${@:2}" ;;
run) prepare; build_app; build_app_tests; run_main "${@:2}" ;;
check) prepare; build_stubs; check ;;
format) prepare; format "${@:2}" ;;
answers) prepare; build_stubs; answers "${@:2}" ;;
apk) prepare; build_app; make_apk "${@:2}" ;;
*) usage ;;
esac
