"""`streamtap report`: the contents of journals as tables, data or a page, or a comparison of two journals."""
