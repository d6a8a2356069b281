"""What the handler and node_run node streams share: a run seen through its nodes' streams."""
