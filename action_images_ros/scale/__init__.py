"""Labelling of many recordings: a resumable job manifest and its workers (processes or Ray actors).

`bags` finds the recordings, `manifest` holds the state of each, `worker` labels one, `processes` and `ray_pool` run
workers, `many` combines them, `sizing` estimates the cost of a large archive.
"""
