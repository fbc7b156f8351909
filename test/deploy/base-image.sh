#!/usr/bin/env bash
# Makes node:24-bookworm-slim out of packages alone (Debian's, npm's), for sites whose Docker engine reaches no image
# registry: the name that deploy/docker/Dockerfile begins from. Needs root, debootstrap, npm and a Docker engine.
set -euo pipefail
suite=${DEBIAN_SUITE:-bookworm}
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Release: $suite" "Created-By: Packages" | head -n 1)}
name=${1:-node:24-bookworm-slim}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
debootstrap --variant=minbase --include=ca-certificates,libstdc++6 "$suite" "$work/root" "$mirror" >"$work/log" || { tail -n 20 "$work/log" >&2; exit 1; }
case $(uname -m) in aarch64) platform=arm64 ;; *) platform=x64 ;; esac
npm install --no-audit --no-fund --prefix "$work/node" "node-linux-$platform@24" npm@11 >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
install -m 755 "$work/node/node_modules/node-linux-$platform/bin/node" "$work/root/usr/local/bin/node"
mkdir -p "$work/root/usr/local/lib/node_modules"
cp -r "$work/node/node_modules/npm" "$work/root/usr/local/lib/node_modules/npm"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
# The authorities of this machine, for sites behind a proxy of their own.
cp /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
tar -C "$work/root" -c . | docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' --change 'CMD ["node"]' - "$name" >/dev/null
docker image ls "$name"
