"""The pytest plugin of `pytest_plugins = ['streamtap.testing']`; only pytest imports its modules."""
