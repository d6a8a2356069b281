"""What the handler and watched node streams share: a run seen through its nodes' streams."""
