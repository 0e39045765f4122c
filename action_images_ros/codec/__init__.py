"""The action image: robot actions drawn as pictures (encode) and read back as poses (decode)."""
