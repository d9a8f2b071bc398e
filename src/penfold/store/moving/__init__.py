"""Mail in files of other programs: found, read ahead by other processes, and written."""
