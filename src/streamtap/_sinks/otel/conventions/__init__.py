"""OpenTelemetry's conventions for generative AI as data: each version is a profile, and says what of it is sent."""
