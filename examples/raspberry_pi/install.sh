#!/usr/bin/env bash
# Installs the service in /opt/edgebert and starts it: sudo ./install.sh edgebert-VERSION.whl BUNDLE
# Run it again to put in a new wheel or bundle.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: sudo ./install.sh edgebert-VERSION.whl BUNDLE" >&2; exit 2; }
wheel=$(realpath "$1") bundle=$(realpath "$2") home=/opt/edgebert
cd "$(dirname "$0")"

mkdir -p "$home"
if [ "$(getconf LONG_BIT)" = 64 ]; then
    [ -e "$home/venv/bin/pip" ] || python3 -m venv "$home/venv"
    "$home/venv/bin/pip" install --only-binary=:all: "$wheel[tflite]" paho-mqtt
else
    # PyPI has no numpy for 32-bit ARM; Debian has. --no-deps leaves out what the tokenizers
    # library needs for downloads alone, and what has no wheels for 32-bit ARM either.
    python3 -c 'import numpy' 2>/dev/null || apt-get install -y python3-numpy
    [ -e "$home/venv/bin/pip" ] || python3 -m venv --system-site-packages "$home/venv"
    "$home/venv/bin/pip" install --only-binary=:all: --no-deps "$wheel" \
        tokenizers tqdm tflite-runtime==2.14.0 paho-mqtt
fi
# The same version may hold other code than the last time.
"$home/venv/bin/pip" install --quiet --no-deps --force-reinstall "$wheel"

cp ./*.py README.md "$home"
rm -rf "$home/bundle.new"
cp -r "$bundle" "$home/bundle.new"
rm -rf "$home/bundle"
mv "$home/bundle.new" "$home/bundle"
chmod -R a+rX "$home"

if [ -d /run/systemd/system ]; then
    cp edgebert.service /etc/systemd/system
    systemctl daemon-reload
    systemctl enable edgebert
    systemctl restart edgebert
fi
