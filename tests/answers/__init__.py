"""Every number that a person reads beside the exact answer to the question that its title asks."""
