"""An application of several gunicorn workers whose runs are written down beside the tap."""
