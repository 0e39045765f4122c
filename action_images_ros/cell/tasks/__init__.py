"""The tasks of the cell, one module each: scene, phrasings, success test and scripted expert."""
