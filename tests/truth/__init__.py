"""The tap against the truth: every way to run an agent, and every way a run can end, beside what really happened.

A paced server stamps when each byte left, scripted tools stamp their own start and end; `python -m truth` compares.
"""
