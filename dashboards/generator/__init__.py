"""Makes the Grafana boards out of streamtap's metric catalogue."""
