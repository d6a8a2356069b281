"""PromQL that can only ask for what the metric catalogue has."""
