"""`make bench`: Penfold beside what people use today, on the same machine in the same minutes."""
