#!/usr/bin/env bash
# The real servers that some tests use: installed on Debian as root; elsewhere those tests skip, saying so.
set -euo pipefail
cd "$(dirname "$0")/../.."
servers=.servers

if command -v chromium >/dev/null && command -v kubectl >/dev/null && command -v promtool >/dev/null && command -v prometheus-alertmanager >/dev/null && [ -x $servers/usr/bin/victoria-metrics ] && [ -x $servers/usr/bin/promtool ] && [ -x $servers/usr/bin/prometheus ]; then
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo 'no root on a Debian system: the tests that need a real Prometheus, Alertmanager, VictoriaMetrics, kubectl or Chromium will be skipped'
  exit 0
fi

if ! command -v promtool >/dev/null || ! command -v prometheus-alertmanager >/dev/null || ! command -v chromium >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus prometheus-alertmanager chromium
fi
if ! command -v kubectl >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends kubernetes-client
fi

# Debian stable's VictoriaMetrics takes no OTLP, and its Prometheus and promtool are of version 2. Those of unstable are one static
# program each, unpacked beside the system's packages, from the system's own mirror.
fetch_from_unstable() {
  local apt="$PWD/$servers/apt" mirror
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  touch "$apt/status"
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' | head -n 1)
  printf 'Types: deb\nURIs: %s\nSuites: sid\nComponents: main\nSigned-By: %s\n' \
    "$mirror" /usr/share/keyrings/debian-archive-keyring.gpg >"$apt/sid.sources"
  local own=(-o "Dir::Etc::sourcelist=$apt/sid.sources" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "Dir::State::status=$apt/status"
    -o APT::Sandbox::User=root)
  apt-get "${own[@]}" update -qq &&
    (cd "$apt" && apt-get "${own[@]}" download -qq victoria-metrics promtool prometheus) &&
    dpkg -x "$apt"/victoria-metrics_*.deb $servers &&
    dpkg -x "$apt"/promtool_*.deb $servers &&
    dpkg -x "$apt"/prometheus_*.deb $servers
  rm -rf "$apt"
}

if [ ! -x $servers/usr/bin/victoria-metrics ] || [ ! -x $servers/usr/bin/promtool ] || [ ! -x $servers/usr/bin/prometheus ]; then
  fetch_from_unstable || echo 'VictoriaMetrics, Prometheus 3 and promtool 3 could not be fetched: their tests will be skipped'
fi
