"""What `penfold doctor` looks at: each module is an area, each check a generator of findings."""
