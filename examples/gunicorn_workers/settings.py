"""How gunicorn runs the application: each worker loads it by itself, and what a dead one left stays in the sums."""

workers = 2
worker_class = 'uvicorn_worker.UvicornWorker'
