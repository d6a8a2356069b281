"""Gives the worker ten jobs, and waits for their results."""

from tasks import summarise

if __name__ == '__main__':
    jobs = [summarise.delay(f'document {number}') for number in range(10)]
    for job in jobs:
        print(job.get(timeout=60))
