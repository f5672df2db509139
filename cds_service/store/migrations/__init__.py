"""How the tables of the card log came to be, step by step; run by `cds-service store upgrade`."""
