"""The arithmetic of one response and of a run's phases: no I/O, no threads, no clocks."""
