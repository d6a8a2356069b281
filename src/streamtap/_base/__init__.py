"""What everything stands on: clocks, forks, process exit, clean names, argument checks."""
