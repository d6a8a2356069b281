"""Progress of runs while they stream."""
