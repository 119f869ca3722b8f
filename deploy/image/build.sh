#!/bin/sh
# Puts what the image holds into a folder: static programs, which say that they are
# of the version given, and the built-in flow.
set -eu

folder=$1
version=$2
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X refundsync/internal/version.release=$version" -o "$folder/" ./worker ./starter ./simulator
cp -R flows "$folder/flows"
