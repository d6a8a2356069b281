"""A small HTTP/1.1 server in threads of its own, within limits that keep it from hurting the application."""
