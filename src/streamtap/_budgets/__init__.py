"""What the runs of one test or of one evaluated case took, and whether that is within a budget."""
