"""The MuJoCo scene of the cell: its parts, its randomisation and the conditions it is shown under."""
