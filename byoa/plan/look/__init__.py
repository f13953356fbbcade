"""What a terminal shows while something goes on: bars, colours, a job's own words. Pure text."""
