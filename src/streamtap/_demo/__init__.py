"""What `streamtap demo` runs and shows. It needs the extra `streamtap[demo]`, so nothing else imports it."""
