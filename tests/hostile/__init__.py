"""What nobody means to send: hostile texts, numbers, events, records and clocks, and what must hold all the same."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    'hostile',
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile('hostile')
