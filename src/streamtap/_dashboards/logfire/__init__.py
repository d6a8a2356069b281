"""The boards for Logfire."""
