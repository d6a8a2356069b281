"""The metric catalogue on a Prometheus registry."""
