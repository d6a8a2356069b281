"""Records in the files that other stores export."""
