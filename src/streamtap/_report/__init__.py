"""`streamtap report`: what journals hold, as tables, data or a page, and two of them compared."""
