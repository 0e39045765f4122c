"""Programs built of the graph: the demo, live trials, the film and the recorders of scenes and bags."""
