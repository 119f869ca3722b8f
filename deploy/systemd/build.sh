#!/bin/sh
# Puts what /opt/refundsync holds into a folder: the programs that the units run, static,
# ours of the version given; the scripts of docker-compose.yml; the built-in flow.
set -eu

folder=$1
version=$2
cd "$(dirname "$0")/../.."
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
deploy/image/build.sh "$folder" "$version"
build() {
  CGO_ENABLED=0 GOWORK=off go -C "$1" build -mod=readonly -buildvcs=false -ldflags='-s -w' -o "$folder/$2" "$3"
}
build tools/server temporal-server go.temporal.io/server/cmd/server
build tools/server temporal-sql-tool go.temporal.io/server/cmd/tools/sql
build tools/server temporal-ui github.com/temporalio/ui-server/v2/cmd/server
build tools temporal github.com/temporalio/cli/cmd/temporal
cp -R deploy/compose deploy/systemd .env.example "$folder/"
