"""Ploomber's names for the user's code: `from ploomber.executors import Parallel` works here.

Project code imports Ploomber for its clients, factories and decorators. In byoa's own processes
these names are ours (finder.py); what there is none of says so when it is imported.
"""
