"""The experiments, a file each: its question, rounds, runs, numbers, table and picture. catalogue.py lists them."""
