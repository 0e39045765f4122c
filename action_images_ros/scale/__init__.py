"""Many recordings: a work list that survives crashes, and the workers (processes or Ray actors) that go through it.

`bags` finds the recordings, `manifest` keeps who is where, `worker` does one recording, `processes` and `ray_pool` run
workers, `many` puts them together, `sizing` says what a large archive would take.
"""
