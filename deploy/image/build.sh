#!/bin/sh
# Puts what the image holds into a folder: static programs and the built-in flow.
set -eu

folder=$1
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w' -o "$folder/" ./worker ./starter ./simulator
cp -R flows "$folder/flows"
