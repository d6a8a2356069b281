"""The wheel and the sdist as their users get them: `make package`."""
