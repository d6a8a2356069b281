"""The facts that cross from runs to sinks: records, live snapshots, distributions, and their JSON."""
