"""How a record is called as a log event of OpenTelemetry."""

PREFIX = 'streamtap.'
"""What the names of events and attributes begin with."""

KIND = 'record'
"""The attribute that says what the record is of, as some stores drop the names of events."""

SCHEMA = 'schema'
"""The attribute that says how to read the others."""

CURRENT_SCHEMA = 1
"""The version of the attributes that is written and read."""
