"""The handler door: `event_stream_handler=tap`."""
