"""Numbers, tables and bars for people, in the terminal and on pages alike; text on its way out."""
