"""The action image: encode robot actions as images and decode images to poses."""
