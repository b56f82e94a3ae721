#!/bin/sh
# usage: fetch_sources.sh DIR PACKAGE...
#
# Puts the source of Debian packages into DIR/PACKAGE, from the machine's own package sources and
# checked by apt as every package is. Nothing in /etc changes and nothing is installed: the lists of
# sources are a copy in DIR that asks for source packages. A package that is there is left alone. Of
# qemu only include/qemu/qemu-plugin.h is kept.
set -eu

fail() {
  printf 'fetch_sources: %s\n' "$*" >&2
  exit 1
}

[ $# -ge 2 ] || fail "usage: fetch_sources.sh DIR PACKAGE..."
mkdir -p "$1"
root=$(cd "$1" && pwd)
shift
missing=""
for package in "$@"; do
  [ -e "$root/$package.stamp" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

for tool in apt-get apt-config dpkg-source; do
  command -v "$tool" >/dev/null 2>&1 || fail "no $tool (Debian's apt and dpkg-dev)"
done

work=$(mktemp -d "$root/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/sources" "$work/lists/partial" "$work/cache/archives/partial" "$work/download"

# Both ways in which apt's sources are written, turned into ones for source packages.
list="" parts=""
eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
count=0
for file in "$list" "$parts"/*.list "$parts"/*.sources; do
  [ -r "$file" ] || continue
  count=$((count + 1))
  case $file in
    *.sources)
      awk '
        function is_type(line) { return tolower(line) ~ /^types:/ }
        is_type($0) { print "Types: deb-src"; in_types = 1; next }
        in_types && /^[ \t]/ { next }
        { in_types = 0; print }' "$file" >"$work/sources/$count.sources"
      ;;
    *)
      sed -n -E 's/^[ \t]*deb(-src)?([ \t])/deb-src\2/p' "$file" |
        grep -v -E '(^|[ \t])cdrom:' >"$work/sources/$count.list" || true
      ;;
  esac
done
[ "$count" -gt 0 ] || fail "apt has no package sources ($list, $parts)"

# As root apt would give up its rights for a user that may not write here.
apt() {
  apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources" \
    -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
    -o APT::Sandbox::User="$(id -un)" "$@" >>"$work/log" 2>&1
}
apt_failed() {
  cat "$work/log" >&2
  fail "$1"
}

# A source of somebody else's that offers no source packages must not be in the way of Debian's.
apt update || true

plugin_header() {
  (cd "$work/download" && apt source --download-only --only-source qemu) ||
    apt_failed "the source of qemu cannot be fetched"
  mkdir -p "$work/qemu"
  tar -xf "$work"/download/qemu_*.orig.tar.* -C "$work/qemu" --strip-components=1 --wildcards \
    '*/include/qemu/qemu-plugin.h'
  # Taken unpatched: so no patch may be about it.
  if tar -xOf "$work"/download/qemu_*.debian.tar.* --wildcards '*debian/patches/*' |
    grep -q '^+++ .*include/qemu/qemu-plugin\.h'; then
    fail "Debian patches qemu-plugin.h, which is taken unpatched here"
  fi
}

for package in $missing; do
  if [ "$package" = qemu ]; then
    plugin_header
  else
    (cd "$work/download" && apt source --only-source "$package") ||
      apt_failed "the source of $package cannot be fetched"
    mv "$work/download/$package"-[0-9]*/ "$work/$package"
  fi
  version=$(sed -n 's/^Version: //p' "$work"/download/"${package}"_*.dsc | head -n 1)
  rm -rf "${root:?}/$package"
  mv "$work/$package" "$root/$package"
  printf '%s\n' "$version" >"$root/$package.stamp"
  printf 'fetch_sources: %s %s\n' "$package" "$version" >&2
done
