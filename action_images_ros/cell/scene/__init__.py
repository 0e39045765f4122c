"""The MuJoCo scene of the cell: its parts, its randomisation and its conditions."""
