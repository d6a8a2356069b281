"""What everything stands on: clocks, forks, process exit, safe text, clean names, argument checks."""
