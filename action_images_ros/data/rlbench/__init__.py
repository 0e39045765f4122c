"""The RLBench layout: folders of images and pickled observations, read and written."""
