"""The watch door: `tap.watch(events)`."""
