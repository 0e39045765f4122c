"""Labelling of many recordings: a resumable job manifest and its workers (processes or Ray actors).

`bags` finds the recordings, `manifest` keeps who is where, `worker` does one recording, `processes` and `ray_pool` run
workers, `many` puts them together, `sizing` says what a large archive would take.
"""
